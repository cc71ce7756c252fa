import {
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { markBases } from "#agent/hypervisor/qemu/base-files.ts";
import { guestPaths } from "#agent/hypervisor/qemu/guest-paths.ts";
import {
  markDisk,
  readImage,
  removeImage,
  type SavedImage,
  staleReason,
  templateDigest,
  writeImage,
} from "#agent/hypervisor/qemu/saved-image.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const host = { qemuVersion: "10.0.2", accelerator: "tcg" };
const spec: VmSpec = {
  name: "web-1",
  vcpus: 1,
  memoryBytes: 1 << 20,
  machine: "microvm",
  kernel: null,
  disks: [],
  network: { kind: "none" },
  policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
};

async function saved() {
  const folder = temporaryFolder();
  const paths = guestPaths(folder, folder, "web-1");
  mkdirSync(paths.folder, { recursive: true });
  const disk = join(folder, "disk");
  writeFileSync(disk, "disk");
  writeFileSync(join(paths.folder, "memory.ram"), "memory");
  writeFileSync(join(paths.folder, "state.1"), "state");
  const image: SavedImage = {
    generation: 1,
    consumed: false,
    memoryFile: "memory.ram",
    memoryBytes: 6,
    stateFile: "state.1",
    stateBytes: 5,
    disks: [await markDisk(disk)],
    ...host,
    machineType: "microvm",
    templateDigest: "x",
  };
  await writeImage(paths, image);
  return { paths, image, disk };
}

describe("staleReason()", () => {
  it("is null for what was just saved, and the image reads back as written", async () => {
    const { paths, image } = await saved();
    expect(await readImage(paths)).toEqual(image);
    expect(await staleReason(paths, image, host)).toBeNull();
  });

  it.each([
    ["consumed", { consumed: true }, /resumed before/],
    ["of another QEMU", { qemuVersion: "9.0.0" }, /QEMU 9\.0\.0/],
    ["of another accelerator", { accelerator: "kvm" }, /kvm/],
    ["of more memory than there is", { memoryBytes: 7 }, /incomplete/],
    ["without its device state", { stateFile: "state.2" }, /incomplete/],
  ])("refuses an image that is %s", async (_what, change, words) => {
    const { paths, image } = await saved();
    expect(await staleReason(paths, { ...image, ...change }, host)).toMatch(words);
  });

  it("refuses an image whose disk was written, resized or removed since", async () => {
    const { paths, image, disk } = await saved();
    utimesSync(disk, new Date(0), new Date(0));
    expect(await staleReason(paths, image, host)).toMatch(/disk disk was changed/);
    truncateSync(disk, 1);
    const [mark] = image.disks;
    const resized = { ...image, disks: [{ ...(await markDisk(disk)), bytes: mark?.bytes ?? 0 }] };
    expect(await staleReason(paths, resized, host)).toMatch(/changed/);
  });
});

/** As much of a qcow2 file as says what it stands on. */
function qcow2Over(backing: string): Buffer {
  const header = Buffer.alloc(104);
  header.writeUInt32BE(0x514649fb, 0);
  header.writeUInt32BE(3, 4);
  header.writeBigUInt64BE(BigInt(header.length), 8);
  header.writeUInt32BE(Buffer.byteLength(backing), 16);
  return Buffer.concat([header, Buffer.from(backing)]);
}

describe("staleReason() of an image on base files", () => {
  async function onBases() {
    const { paths, image, disk } = await saved();
    const folder = join(disk, "..");
    const path = (name: string) => join(folder, name);
    writeFileSync(path("vmlinux"), "kernel");
    writeFileSync(path("initrd"), "initrd");
    writeFileSync(path("base.raw"), "base");
    writeFileSync(path("middle.qcow2"), qcow2Over(path("base.raw")));
    // A backing file without a folder lies where its overlay lies.
    writeFileSync(path("top.qcow2"), qcow2Over("middle.qcow2"));
    const kernel = { path: path("vmlinux"), initrd: path("initrd"), cmdline: "" };
    const disks = [{ path: path("top.qcow2"), format: "qcow2" as const }];
    const bases = await markBases({ ...spec, kernel, disks });
    return { paths, path, image: { ...image, bases } };
  }

  it("marks kernel, initrd and all backing files, and nothing that the guest writes", async () => {
    const { paths, path, image } = await onBases();
    const names = ["vmlinux", "initrd", "middle.qcow2", "base.raw"];
    expect(image.bases.map((mark) => mark.path)).toEqual(names.map(path));
    expect(await staleReason(paths, image, host)).toBeNull();
  });

  it.each(["vmlinux", "initrd", "middle.qcow2", "base.raw"])(
    "names %s when it was written, replaced or removed, whatever its modification time says",
    async (name) => {
      const { paths, path, image } = await onBases();
      const words = `${path(name)}, on which it stands, was changed since`;
      const { atime, mtime } = statSync(path(name));
      const bytes = readFileSync(path(name));
      writeFileSync(path(name), bytes);
      utimesSync(path(name), atime, mtime);
      expect(await staleReason(paths, image, host)).toBe(words);
      rmSync(path(name));
      expect(await staleReason(paths, image, host)).toBe(words);
      writeFileSync(path(name), bytes);
      expect(await staleReason(paths, image, host)).toBe(words);
    },
  );

  it.each([
    ["nothing", qcow2Over("")],
    ["what is no file", qcow2Over("nbd://10.0.0.1/base")],
    ["a name that is too long", qcow2Over("x".repeat(1024))],
    ["an empty file", Buffer.alloc(0)],
    ["no qcow2 file", Buffer.alloc(104, "x")],
  ])("marks nothing under an overlay on %s", async (_what, bytes) => {
    const path = join(temporaryFolder(), "top.qcow2");
    writeFileSync(path, bytes);
    expect(await markBases({ ...spec, disks: [{ path, format: "qcow2" }] })).toEqual([]);
  });

  it("ends at an overlay that stands on itself", async () => {
    const path = join(temporaryFolder(), "top.qcow2");
    writeFileSync(path, qcow2Over("top.qcow2"));
    const marks = await markBases({ ...spec, disks: [{ path, format: "qcow2" }] });
    expect(marks.map((mark) => mark.path)).toEqual([path]);
  });

  it("takes an image of an agent that did not mark them", async () => {
    const { paths, image } = await saved();
    expect("bases" in image).toBe(false);
    expect(await staleReason(paths, image, host)).toBeNull();
  });
});

describe("readImage()", () => {
  it.each(["", "{", "[]", '{"generation": "x"}'])("takes %j for no image", async (text) => {
    const { paths } = await saved();
    writeFileSync(paths.manifest, text);
    expect(await readImage(paths)).toBeUndefined();
  });
});

describe("removeImage()", () => {
  it("removes the image, or only what other generations left", async () => {
    const { paths, image } = await saved();
    writeFileSync(join(paths.folder, "state.0"), "old");
    await removeImage(paths, image);
    expect(await staleReason(paths, image, host)).toBeNull();
    await removeImage(paths);
    expect(await readImage(paths)).toBeUndefined();
    expect(await staleReason(paths, image, host)).toMatch(/incomplete/);
  });
});

describe("templateDigest()", () => {
  it("changes with the machine, not with the policy or the order of keys", () => {
    const digest = templateDigest(spec);
    expect(templateDigest({ ...spec, vcpus: 2 })).not.toBe(digest);
    expect(templateDigest({ ...spec, policy: { ...spec.policy, pin: "host-1" } })).toBe(digest);
    const turned = Object.fromEntries(Object.entries(spec).reverse()) as unknown as VmSpec;
    expect(templateDigest(turned)).toBe(digest);
  });
});

describe("guestPaths()", () => {
  it("refuses a folder that is too deep for a UNIX socket", () => {
    expect(() => guestPaths(`/${"x".repeat(100)}`, "/s", "web-1")).toThrow(/shorter/);
  });
});
