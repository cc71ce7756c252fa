import { mkdirSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
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
