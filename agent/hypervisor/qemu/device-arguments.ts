import type { PortForward, VmSpec } from "#lib/model/vm-spec.ts";

/** Address of the one guest behind QEMU's user network (its documented default). */
const USER_NETWORK_GUEST = "10.0.2.15";
/** Where QEMU's guest agent looks for its host (qemu-ga(8), --path). */
const AGENT_PORT = "org.qemu.guest_agent.0";

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

/**
 * The port to the agent inside the guest; none without one. `wait=off`: the guest runs whether or
 * not anybody is connected.
 */
export function agentArguments(spec: VmSpec, path: string): string[] {
  if (!spec.guestAgent) return [];
  const bus = { driver: `virtio-serial-${busOf(spec)}`, id: "serial0", max_ports: 2 };
  const port = { driver: "virtserialport", bus: "serial0.0", chardev: "agent0", name: AGENT_PORT };
  return [
    ...["-chardev", `socket,id=agent0,path=${escaped(path)},server=on,wait=off`],
    ...["-device", JSON.stringify(bus)],
    ...["-device", JSON.stringify(port)],
  ];
}

/** QEMU's option syntax: a comma inside a value is doubled. */
export function escaped(value: string): string {
  return value.replaceAll(",", ",,");
}

/** microvm has no PCI bus: its devices are memory-mapped. */
function busOf(spec: VmSpec): "device" | "pci" {
  return spec.machine === "microvm" ? "device" : "pci";
}

function forwardOption({ protocol, hostPort, guestPort }: PortForward): string {
  return `,hostfwd=${protocol}:127.0.0.1:${hostPort}-${USER_NETWORK_GUEST}:${guestPort}`;
}
