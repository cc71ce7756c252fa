// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import type { ServiceSpec } from "../model/service.ts";

/** A small service without an image, as the simulator needs no more; `net` tells its addresses from others'. */
export function simServiceSpec(
  { name, hosts, net }: { readonly name: string; readonly hosts: number; readonly net: number },
  changes: Partial<ServiceSpec> = {},
): ServiceSpec {
  const addresses = Array.from({ length: hosts }, (_, at) => {
    return [`host-${at + 1}`, { address: `10.1.${net}.${at + 1}` }] as const;
  });
  return {
    name,
    template: {
      vcpus: 1,
      memoryBytes: 16 * 2 ** 20,
      machine: "microvm",
      kernel: {
        kernel: { path: "/srv/images/vmlinux", sha256: "ab".repeat(32) },
        initrd: null,
        cmdline: "ip=${address}",
      },
      image: null,
      network: { kind: "bridge", bridge: "br0" },
    },
    endpoint: { address: "${address}", port: "80" },
    hosts: Object.fromEntries(addresses),
    stagedMax: null,
    running: { min: 1, max: 2 },
    target: { kind: "cpuShare", share: 0.2 },
    health: { path: "/health", timeoutMs: 1_000, resumeMsMax: 10_000, bootMsMax: 120_000 },
    drainMs: 3_000,
    settleMs: 10_000,
    backend: name,
    connectionsPerMember: null,
    ...changes,
  };
}
