// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import type { HostId } from "#lib/model/ids.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import type { MemberEntry } from "#lib/services/member-entry.ts";

/** A service of kernel-booted members behind ports of their hosts, at least one and at most three. */
export function serviceSpec(changes: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name: "web",
    template: {
      vcpus: 1,
      memoryBytes: 256 * 2 ** 20,
      machine: "microvm",
      kernel: {
        kernel: { path: "/srv/images/vmlinuz", sha256: "a".repeat(64) },
        initrd: { path: "/srv/images/initrd", sha256: "b".repeat(64) },
        cmdline: "console=ttyS0 name=${service}-${host}",
      },
      image: null,
      network: { kind: "user", guestPort: 80, hostPort: "${port}" },
    },
    endpoint: { address: "${address}", port: "${port}" },
    hosts: {
      "*": { port: "8080" },
      "node-1": { address: "10.0.0.1" },
      "node-2": { address: "10.0.0.2", port: "8082" },
    },
    stagedMax: null,
    running: { min: 1, max: 3 },
    target: { kind: "cpuShare", share: 0.5 },
    health: { path: "/", timeoutMs: 500, resumeMsMax: 5_000, bootMsMax: 60_000 },
    drainMs: 30_000,
    settleMs: 30_000,
    backend: "web",
    connectionsPerMember: null,
    ...changes,
  };
}

/** A suspended member of "web", unless told otherwise. */
export function memberEntry(host: HostId, changes: Partial<MemberEntry> = {}): MemberEntry {
  return {
    service: "web",
    host,
    state: "suspended",
    outdated: false,
    waiting: false,
    cpuShare: null,
    sessions: null,
    obstacle: "",
    ...changes,
  };
}
