// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import type { ServiceView } from "#lib/core/snapshot.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import { HOST_B } from "./snapshot-fixture.ts";

const MIB = 2 ** 20;

/** A service of two named hosts, whole and without problems. */
export function serviceSpecOf(name: string, changes: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name,
    template: {
      vcpus: 1,
      memoryBytes: 256 * MIB,
      machine: "microvm",
      kernel: {
        kernel: { path: "/srv/images/vmlinux", sha256: "ab".repeat(32) },
        initrd: { path: "/srv/images/initrd", sha256: "cd".repeat(32) },
        cmdline: "console=ttyS0 ip=${address}",
      },
      image: null,
      network: { kind: "bridge", bridge: "br0" },
    },
    endpoint: { address: "${address}", port: "80" },
    // Each service has addresses of its own: the last number goes with the name.
    hosts: {
      n1: { address: `10.1.${lastNumberOf(name)}.1` },
      n2: { address: `10.1.${lastNumberOf(name)}.2` },
    },
    stagedMax: null,
    running: { min: 1, max: 3 },
    target: { kind: "cpuShare", share: 0.6 },
    health: { path: "/health", timeoutMs: 1_000, resumeMsMax: 10_000, bootMsMax: 120_000 },
    drainMs: 30_000,
    settleMs: 30_000,
    backend: "web",
    connectionsPerMember: null,
    ...changes,
  };
}

/** The same as a reader sees it, written by the second host. */
export function declaredView(name: string, changes: Partial<ServiceView> = {}): ServiceView {
  return {
    name,
    version: 3,
    author: HOST_B,
    authorName: "host-b",
    state: "declared",
    spec: serviceSpecOf(name),
    problem: null,
    life: null,
    ...changes,
  };
}

function lastNumberOf(name: string): number {
  return [...name].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 251, 0);
}
