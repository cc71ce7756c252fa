import type { PortForward, VmSpec } from "#lib/model/vm-spec.ts";

/** Address of the one guest behind QEMU's user network (its documented default). */
const USER_NETWORK_GUEST = "10.0.2.15";

/** virtio-blk disks in the spec's order, each a protocol node and a format node. */
export function diskArguments(spec: VmSpec): string[] {
  return spec.disks.flatMap((disk, index) => [
    "-blockdev",
    JSON.stringify({ driver: "file", "node-name": `file${index}`, filename: disk.path }),
    "-blockdev",
    JSON.stringify({ driver: disk.format, "node-name": `disk${index}`, file: `file${index}` }),
    "-device",
    JSON.stringify({
      driver: `virtio-blk-${busOf(spec)}`,
      id: `vd${index}`,
      drive: `disk${index}`,
      ...(index === 0 && spec.kernel === null && { bootindex: 1 }),
    }),
  ]);
}

/** The guest's one network card; `tap` is the host's end of a bridged one. */
export function networkArguments(spec: VmSpec, tap: string | null): string[] {
  const { network } = spec;
  if (network.kind === "none") return [];
  const device = { driver: `virtio-net-${busOf(spec)}`, id: "nic0", netdev: "net0" };
  if (network.kind === "user") {
    const forwards = network.forwards.map(forwardOption).join("");
    return ["-netdev", `user,id=net0${forwards}`, "-device", JSON.stringify(device)];
  }
  return [
    ...["-netdev", `tap,id=net0,ifname=${tap},script=no,downscript=no`],
    ...["-device", JSON.stringify({ ...device, mac: network.mac })],
  ];
}

/** microvm has no PCI bus: its devices are memory-mapped. */
function busOf(spec: VmSpec): "device" | "pci" {
  return spec.machine === "microvm" ? "device" : "pci";
}

function forwardOption({ protocol, hostPort, guestPort }: PortForward): string {
  return `,hostfwd=${protocol}:127.0.0.1:${hostPort}-${USER_NETWORK_GUEST}:${guestPort}`;
}
