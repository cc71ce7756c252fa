import { describe, expect, it } from "vitest";
import { needsAcpi, type QemuCommand, qemuArguments } from "#agent/hypervisor/qemu/qemu-command.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";

const spec: VmSpec = {
  name: "web-1",
  vcpus: 2,
  memoryBytes: 96 << 20,
  machine: "microvm",
  kernel: { path: "/srv/vmlinux", initrd: "/srv/initrd", cmdline: "console=ttyS0 a,b=$HOME" },
  disks: [],
  network: { kind: "none" },
  policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
};

const command: QemuCommand = {
  spec,
  accelerator: "tcg",
  machineType: "microvm",
  cpuModel: null,
  memoryPath: "/state/guests/web-1/memory.ram",
  monitorPath: "/state/guests/web-1/qmp.sock",
  serialPath: "/state/serial/web-1.log",
  agentPath: "/state/guests/web-1/qga.sock",
  tap: null,
  incoming: false,
  move: null,
};

/** Values that follow this option, in order. */
function valuesOf(option: string, change: Partial<QemuCommand> = {}): string[] {
  const args = qemuArguments({ ...command, ...change });
  return args.flatMap((arg, index) => (arg === option ? [args[index + 1] ?? ""] : []));
}

const given = (change: Partial<VmSpec>) => ({ spec: { ...spec, ...change } });

describe("qemuArguments()", () => {
  it("locks QEMU into its sandbox, without defaults and without a display", () => {
    expect(valuesOf("-sandbox")).toEqual([
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    ]);
    const args = qemuArguments(command);
    expect(args).toContain("-nodefaults");
    expect(args).toContain("-no-user-config");
    expect(valuesOf("-display")).toEqual(["none"]);
  });

  it.each([
    ["memory as a shared file", "-object", {}, /"mem-path":"\/state.*memory.ram","share":true/],
    ["memory's size in MiB", "-m", {}, /^size=96M$/],
    ["processors", "-smp", {}, /^2$/],
    ["accelerator", "-accel", { accelerator: "kvm" }, /^kvm$/],
    ["CPU model", "-cpu", { cpuModel: "host" }, /^host$/],
    ["serial line, appended to", "-chardev", {}, /file,id=ser0,path=.*web-1.log,append=on$/m],
    ["kernel", "-kernel", {}, /^\/srv\/vmlinux$/],
    ["kernel command line, untouched", "-append", {}, /^console=ttyS0 a,b=\$HOME$/],
    [
      "a microvm without devices: no ACPI",
      "-machine",
      {},
      /^microvm,memory-backend=ram0,acpi=off$/,
    ],
    [
      "a versioned machine",
      "-machine",
      { ...given({ machine: "q35" }), machineType: "pc-q35-10.0" },
      /^pc-q35-10.0,memory-backend=ram0$/,
    ],
  ] as const)("says %s", (_what, option, change, value) => {
    expect(valuesOf(option, change).join("\n")).toMatch(value);
  });

  it("doubles commas in paths where QEMU would split at them", () => {
    const [monitor] = valuesOf("-chardev", { monitorPath: "/a,b/qmp.sock" });
    expect(monitor).toBe("socket,id=mon0,path=/a,,b/qmp.sock,server=on,wait=off");
  });

  it("names the VM, and for a copy of a move the move and the peer", () => {
    expect(valuesOf("-name")).toEqual(["guest=evenkeel:web-1,debug-threads=on"]);
    const move = { moveId: "web-1.2.0123456789abcdef", peer: "12D3KooW" };
    expect(valuesOf("-name", { move })).toEqual([
      "guest=evenkeel:web-1:move=web-1.2.0123456789abcdef:peer=12D3KooW,debug-threads=on",
    ]);
  });

  it("starts a copy that waits for a stream paused", () => {
    const args = qemuArguments({ ...command, incoming: true });
    expect(args.slice(-3)).toEqual(["-S", "-incoming", "defer"]);
    expect(qemuArguments(command)).not.toContain("-S");
  });

  it.each([
    ["microvm", "virtio-blk-device"],
    ["q35", "virtio-blk-pci"],
    ["pc", "virtio-blk-pci"],
  ] as const)("gives a %s disks on its bus", (machine, driver) => {
    const disks = [{ path: "/srv/a,b.qcow2", format: "qcow2" }] as const;
    const change = given({ machine, disks });
    expect(valuesOf("-blockdev", change).map((json) => JSON.parse(json))).toEqual([
      { driver: "file", "node-name": "file0", filename: "/srv/a,b.qcow2" },
      { driver: "qcow2", "node-name": "disk0", file: "file0" },
    ]);
    expect(JSON.parse(valuesOf("-device", change)[0] ?? "")).toEqual({
      driver,
      id: "vd0",
      drive: "disk0",
    });
  });

  it("boots from the first disk when there is no kernel", () => {
    const disks = [{ path: "/srv/a", format: "raw" }] as const;
    const change = given({ machine: "q35", kernel: null, disks });
    expect(valuesOf("-device", change)[0]).toMatch(/"bootindex":1/);
    expect(valuesOf("-kernel", change)).toEqual([]);
  });

  it("forwards ports of the loopback only", () => {
    const forwards = [{ protocol: "tcp", hostPort: 8080, guestPort: 80 }] as const;
    const change = given({ network: { kind: "user", forwards } });
    expect(valuesOf("-netdev", change)).toEqual([
      "user,id=net0,hostfwd=tcp:127.0.0.1:8080-10.0.2.15:80",
    ]);
  });

  it("plugs a bridged guest into its tap, with its own address", () => {
    const network = { kind: "bridge", bridge: "br0", mac: "52:54:00:aa:bb:cc" } as const;
    const change = { ...given({ machine: "pc", network }), tap: "ek-0123456789ab" };
    expect(valuesOf("-netdev", change)).toEqual([
      "tap,id=net0,ifname=ek-0123456789ab,script=no,downscript=no",
    ]);
    expect(valuesOf("-device", change)[0]).toMatch(/virtio-net-pci.*52:54:00:aa:bb:cc/);
  });
});

describe("qemuArguments() for a guest with an agent", () => {
  it.each([
    ["microvm", "virtio-serial-device"],
    ["q35", "virtio-serial-pci"],
    ["pc", "virtio-serial-pci"],
  ] as const)(
    "give a %s the agent's port, on a socket that nobody is waited for at",
    (machine, driver) => {
      const change = { ...given({ machine, guestAgent: true }), agentPath: "/a,b/qga.sock" };
      expect(valuesOf("-chardev", change).at(-1)).toBe(
        "socket,id=agent0,path=/a,,b/qga.sock,server=on,wait=off",
      );
      expect(valuesOf("-device", change).map((json) => JSON.parse(json))).toEqual([
        { driver, id: "serial0", max_ports: 2 },
        {
          driver: "virtserialport",
          bus: "serial0.0",
          chardev: "agent0",
          name: "org.qemu.guest_agent.0",
        },
      ]);
    },
  );

  it("add nothing for one without", () => {
    expect(qemuArguments(command).join(" ")).not.toMatch(/serial0|agent0/);
  });
});

describe("needsAcpi()", () => {
  it.each([
    ["a bare microvm", {}, false],
    ["a microvm with a disk", { disks: [{ path: "/a", format: "raw" }] }, true],
    ["a microvm with a network", { network: { kind: "user", forwards: [] } }, true],
    ["a microvm with an agent's port", { guestAgent: true }, true],
    ["a q35", { machine: "q35" }, true],
  ] as const)("is right about %s", (_what, change, expected) => {
    expect(needsAcpi({ ...spec, ...change })).toBe(expected);
  });
});
