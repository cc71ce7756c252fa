import { describe, expect, it } from "vitest";
import { blockSizes, diskWords } from "#agent/hypervisor/libvirt/fit-copies.ts";
import { answerObjection, cpuXml, errorObjection } from "#agent/hypervisor/libvirt/fit-cpu.ts";
import { deviceObstacle } from "#agent/hypervisor/libvirt/fit-devices.ts";
import { diskFit } from "#agent/hypervisor/libvirt/fit-disks.ts";
import { withDisks } from "#agent/hypervisor/libvirt/fit-domain.ts";
import { blockJobIn, domainJobIn } from "#agent/hypervisor/libvirt/fit-jobs.ts";
import { hostCpuOf, moveNeeds } from "#agent/hypervisor/libvirt/fit-needs.ts";
import { readXml } from "#agent/hypervisor/libvirt/xml-node.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";

const devices = (inner: string, beside = "") =>
  readXml(`<domain type='kvm'>${beside}<devices>${inner}</devices></domain>`);
const noDisks = { obstacle: null, disks: [], images: [], copies: [] };
const none = { hostCpu: null, copies: [] };

describe("deviceObstacle()", () => {
  it.each([
    [
      "a PCI device",
      "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x65' slot='0x00' function='0x0'/></source></hostdev>",
      /device of this host \(pci 0000:65:00:0\): virsh detach-device/,
    ],
    [
      "a mediated device",
      "<hostdev mode='subsystem' type='mdev'><source><address uuid='c2177883'/></source></hostdev>",
      /mdev c2177883/,
    ],
    ["an SR-IOV interface", "<interface type='hostdev'/>", /hostdev.*take a bridge/],
    ["a host's serial line", "<serial type='dev'><source path='/dev/ttyS0'/></serial>", /ttyS0/],
    ["a folder", "<filesystem type='mount'><source dir='/srv/x'/></filesystem>", /folder \/srv\/x/],
    ["shared memory", "<shmem name='bus0'/>", /bus0/],
    ["the host's TPM", "<tpm><backend type='passthrough'/></tpm>", /passthrough.*emulated/],
    ["a keyboard of the host", "<input type='evdev'/>", /input device/],
    ["an NVDIMM", "<memory model='nvdimm'/>", /nvdimm/],
    [
      "an address of the host",
      "<graphics type='vnc'><listen type='address' address='10.0.0.7'/></graphics>",
      /vnc listens on 10\.0\.0\.7/,
    ],
    [
      "a graphics card",
      "<video><model type='virtio'><acceleration accel3d='yes'/></model></video>",
      /accel3d/,
    ],
  ])("names %s", (_what, inner, expected) => {
    expect(deviceObstacle(devices(inner))).toMatch(expected);
  });

  it.each([
    ["memory that is sealed", "<launchSecurity type='sev'/>", /sev/],
    ["an invariant clock", "<cpu><feature policy='require' name='invtsc'/></cpu>", /invtsc/],
    ["no migratable processor", "<cpu mode='host-passthrough' migratable='off'/>", /migratable/],
  ])("names %s", (_what, beside, expected) => {
    expect(deviceObstacle(devices("", beside))).toMatch(expected);
  });

  it("finds nothing in what goes anywhere", () => {
    const inner = [
      "<serial type='file'><source path='/var/log/x.log'/></serial>",
      "<interface type='bridge'><source bridge='br0'/></interface>",
      "<graphics type='vnc'><listen type='address' address='127.0.0.1'/></graphics>",
      "<hostdev type='pci'><teaming type='transient' persistent='ua-0'/></hostdev>",
      "<tpm><backend type='emulator'/></tpm><memory model='dimm'/>",
      "<video><model type='cirrus'/></video><input type='mouse'/>",
    ];
    expect(deviceObstacle(devices(inner.join("")))).toBeNull();
  });
});

describe("diskFit()", () => {
  const disk = (inner: string, attributes = "type='file' device='disk'") =>
    diskFit(devices(`<disk ${attributes}><target dev='vda'/>${inner}</disk>`));

  it("gives the file and all that lies under it", () => {
    const chain =
      "<source file='/srv/a.qcow2'/><backingStore type='file'><source file='/srv/base.qcow2'/><backingStore/></backingStore>";
    expect(disk(chain)).toEqual({ ...noDisks, disks: ["/srv/a.qcow2", "/srv/base.qcow2"] });
  });

  it("takes an image in a drive for one that is only read", () => {
    const cdrom = disk("<source file='/srv/i.iso'/><readonly/>", "type='file' device='cdrom'");
    expect(cdrom).toEqual({ ...noDisks, images: ["/srv/i.iso"] });
    const floppy = disk("<source file='/srv/f.img'/>", "type='file' device='floppy'");
    expect(floppy).toEqual({ ...noDisks, disks: ["/srv/f.img"] });
    expect(disk("", "type='file' device='cdrom'")).toEqual(noDisks);
  });

  it("has nothing against what is reached over the network", () => {
    const rbd = disk("<source protocol='rbd' name='p/i'/>", "type='network' device='disk'");
    expect(rbd).toEqual(noDisks);
  });

  it.each([
    [
      "a copy under way",
      "<source file='/a'/><mirror type='file' job='copy'/>",
      "type='file'",
      /vda.*being copied \(copy\)/,
    ],
    [
      "a block device",
      "<source dev='/dev/vg/x'/>",
      "type='block'",
      /no file but block \/dev\/vg\/x/,
    ],
    [
      "the host's drive",
      "<source dev='/dev/sr0'/>",
      "type='block' device='cdrom'",
      /\/dev\/sr0.*eject/,
    ],
    ["a transient disk", "<source file='/a'/><transient/>", "type='file'", /transient/],
    ["a disk over nbd", "<source protocol='nbd'/>", "type='network'", /by nbd/],
    ["a volume", "<source pool='default' volume='v'/>", "type='volume'", /volume v/],
  ])("names %s", (_what, inner, attributes, expected) => {
    expect(disk(inner, attributes).obstacle).toMatch(expected);
  });
});

describe("diskFit() with folders that are copied along", () => {
  const disk = (inner: string) =>
    diskFit(devices(`<disk type='file'><target dev='vda'/>${inner}</disk>`), ["/local"]);

  it("takes a whole image for a copy, one elsewhere for a shared one", () => {
    const [qcow2, raw] = ["<driver type='qcow2'/>", "<driver type='raw'/>"];
    expect(disk(`${qcow2}<source file='/local/a'/>`).copies).toEqual([
      { path: "/local/a", format: "qcow2", device: "vda" },
    ]);
    expect(disk(`${raw}<source file='/locally/a'/>`).disks).toEqual(["/locally/a"]);
    expect(disk(`${raw}<source file='/local/../srv/a'/>`).copies).toEqual([]);
  });

  it("names an overlay, and a format that is not copied", () => {
    const overlay = "<backingStore type='file'><source file='/local/base'/></backingStore>";
    const qcow2 = "<driver type='qcow2'/><source file='/local/a'/>";
    expect(disk(`${qcow2}${overlay}`).obstacle).toMatch(/vda is an overlay.*blockpull/);
    expect(disk("<driver type='vmdk'/><source file='/local/a'/>").obstacle).toMatch(/vmdk/);
  });

  it("diskWords() tell virsh which to copy, and through which socket", () => {
    const way = { isShared: true, copied: ["vda", "vdb"] };
    expect(diskWords(way, "/s.nbd").join(" ")).toBe(
      "--unsafe --copy-storage-all --migrate-disks vda,vdb --disks-uri unix:///s.nbd",
    );
    expect(diskWords({ isShared: false, copied: [] }, "/s.nbd")).toEqual([]);
  });

  it("blockSizes() reads what domblkinfo prints", () => {
    const text =
      "Capacity:       268435456\nAllocation:     134549504\nPhysical:       134545408\n";
    expect(blockSizes(text)).toEqual({ sizeBytes: 268435456, usedBytes: 134549504 });
  });
});

describe("moveNeeds()", () => {
  it("says what the target must have, each once", () => {
    const domain = devices(
      "<emulator>/usr/bin/qemu</emulator>" +
        "<interface type='bridge'><source bridge='br0'/></interface>" +
        "<interface type='bridge'><source bridge='br0'/></interface>" +
        "<interface type='network'><source network='default' bridge='virbr0'/></interface>" +
        "<interface type='direct'><source dev='eth0' mode='bridge'/></interface>",
      "<memory unit='KiB'>98304</memory><memoryBacking><hugepages><page size='2' unit='MiB'/></hugepages></memoryBacking>" +
        "<os><loader>/usr/share/OVMF.fd</loader></os>" +
        "<cpu mode='custom'><model>qemu64</model><feature policy='require' name='lahf_lm'/><feature policy='disable' name='svm'/></cpu>",
    );
    expect(moveNeeds(domain, { ...noDisks, disks: ["/a"], images: ["/i.iso"] }, none)).toEqual({
      files: ["/usr/bin/qemu", "/usr/share/OVMF.fd", "/i.iso"],
      disks: ["/a"],
      copies: [],
      bridges: ["br0"],
      interfaces: ["eth0"],
      networks: ["default"],
      hugepages: [{ pageBytes: 2 ** 21, memoryBytes: 98304 * 1024 }],
      cpu: { kind: "features", model: "qemu64", vendor: null, features: ["lahf_lm"] },
    });
  });

  it("asks for the host's own processor where the guest sees that", () => {
    const capabilities = readXml(
      "<capabilities><host><cpu><model>EPYC</model><vendor>AMD</vendor><feature name='pku'/></cpu></host></capabilities>",
    );
    const hostCpu = hostCpuOf(capabilities);
    expect(hostCpu).toEqual({ kind: "same", model: "EPYC", vendor: "AMD", features: ["pku"] });
    const domain = devices("", "<cpu mode='host-passthrough'/>");
    expect(moveNeeds(domain, noDisks, { ...none, hostCpu }).cpu).toEqual(hostCpu);
    expect(moveNeeds(devices(""), noDisks, { ...none, hostCpu }).cpu).toBeNull();
  });
});

describe("the processor", () => {
  const cpu = { kind: "features", model: "EPYC", vendor: null, features: ["a", "b"] } as const;

  it("is described to libvirt in its own words", () => {
    expect(
      readXml(cpuXml(cpu))
        .all("feature")
        .map((one) => one.attribute("name")),
    ).toEqual(["a", "b"]);
    expect(readXml(cpuXml({ ...cpu, kind: "same", vendor: "AMD" })).at("arch")?.text).toBe(
      "x86_64",
    );
  });

  it("that is the host's own must be the very same, another may be richer", () => {
    const richer = "Host CPU is a superset of CPU described in x";
    expect(answerObjection(cpu, richer)).toBeNull();
    expect(answerObjection({ ...cpu, kind: "same" }, richer)).toMatch(/another/);
    const identical = "CPU described in x is identical to host CPU";
    expect(answerObjection({ ...cpu, kind: "same" }, identical)).toBeNull();
  });

  it("is objected to with libvirt's reason, and only where it compares at all", () => {
    const said =
      "the CPU is incompatible with host CPU: Host CPU does not provide required features: avx512f";
    expect(errorObjection(said)).toMatch(/does not provide required features: avx512f: .*baseline/);
    expect(errorObjection("this function is not supported by the connection driver")).toBeNull();
  });
});

it("domainJobIn() and blockJobIn() name the job, and not a move's own", () => {
  expect(domainJobIn("Job type:         None        \n")).toBeNull();
  const backup = "Job type:         Unbounded   \nOperation:        Backup      \n";
  expect(domainJobIn(backup)).toBe("Backup");
  expect(domainJobIn(backup.replace("Backup", "Outgoing migration"))).toBeNull();
  expect(blockJobIn("\n type=Block Commit\n bandwidth=0\n cur=1\n end=2\n")).toBe("Block Commit");
  expect(blockJobIn("")).toBeNull();
});

it("withDisks() adds what the spec does not name, without what is copied along", () => {
  const whole = { format: "raw", sizeBytes: 1, usedBytes: 1 } as const;
  const needs = {
    ...moveNeeds(devices(""), noDisks, { ...none, copies: [{ path: "/c", ...whole }] }),
    disks: ["/a", "/b"],
  };
  const spec = {
    disks: [
      { path: "/a", format: "qcow2" },
      { path: "/c", format: "raw" },
    ],
  } as unknown as VmSpec;
  expect(withDisks(spec, needs).disks).toEqual([
    { path: "/a", format: "qcow2" },
    { path: "/b", format: "raw" },
  ]);
});

it("readXml() refuses what is no XML, in one line", () => {
  const thrown = expect.objectContaining({ code: "COMMAND_FAILED" });
  for (const text of ["", "<a><b></a>", "no"]) expect(() => readXml(text)).toThrowError(thrown);
});
