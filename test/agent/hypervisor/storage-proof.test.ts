import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { specObjection } from "#agent/hypervisor/spec-objection.ts";
import { proofObjection, removeProofs, writeProof } from "#agent/hypervisor/storage-proof.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const MOVE = "web-1.2.0123456789abcdef";

function withDisk(folder = temporaryFolder()) {
  const path = join(folder, "disk.raw");
  writeFileSync(path, "disk");
  const spec = {
    name: "web-1",
    memoryBytes: 1 << 20,
    kernel: null,
    disks: [{ path, format: "raw" }],
    network: { kind: "none" },
  } as unknown as VmSpec;
  return { folder, path, spec };
}

describe("a storage proof", () => {
  it("convinces whoever sees the same folder, and nobody else", async () => {
    const { spec } = withDisk();
    const nonce = await writeProof(MOVE, spec);
    expect(await proofObjection(MOVE, spec, nonce)).toBeNull();
    const other = withDisk().spec;
    expect(await proofObjection(MOVE, other, nonce)).toMatch(/not shared/);
    expect(await proofObjection(MOVE, spec, "0".repeat(32))).toMatch(/not shared/);
    expect(await proofObjection("web-1.3.0123456789abcdef", spec, nonce)).toMatch(/not shared/);
    expect(await proofObjection(MOVE, spec, null)).toMatch(/proves nothing/);
  });

  it("replaces older ones, and is removed without touching the disk", async () => {
    const { folder, spec } = withDisk();
    await writeProof("web-1.1.0123456789abcdef", spec);
    await writeProof(MOVE, spec);
    expect(readdirSync(folder)).toEqual(["disk.raw", `disk.raw.evenkeel-${MOVE}`]);
    await removeProofs(spec);
    expect(readdirSync(folder)).toEqual(["disk.raw"]);
  });

  it("is not needed without disks", async () => {
    const spec = { ...withDisk().spec, disks: [] };
    expect(await writeProof(MOVE, spec)).toBeNull();
    expect(await proofObjection(MOVE, spec, null)).toBeNull();
  });

  it("that cannot be written is STORAGE, with the path", async () => {
    const { spec } = withDisk();
    const gone = { ...spec, disks: [{ path: "/nowhere/disk", format: "raw" as const }] };
    await expect(writeProof(MOVE, gone)).rejects.toMatchObject({
      code: "STORAGE",
      message: expect.stringMatching(/\/nowhere\/disk\.evenkeel/),
    });
  });
});

describe("specObjection()", () => {
  it("takes paths in a storage root, also through links that stay inside", async () => {
    const { folder, path, spec } = withDisk();
    const settings = { storageRoots: [folder], bridges: [] };
    expect(await specObjection(spec, settings)).toBeNull();
    const link = join(folder, "link");
    symlinkSync(path, link);
    const linked = { ...spec, disks: [{ path: link, format: "raw" as const }] };
    expect(await specObjection(linked, settings)).toBeNull();
  });

  it("refuses what lies outside, leads outside, or only begins like a root", async () => {
    const { folder, path, spec } = withDisk();
    const root = join(folder, "root");
    mkdirSync(root);
    const settings = { storageRoots: [root], bridges: [] };
    expect(await specObjection(spec, settings)).toMatch(/storage roots/);
    const link = join(root, "link");
    symlinkSync(path, link);
    const climbing = [link, `${root}/../disk.raw`];
    mkdirSync(`${root}-other`);
    writeFileSync(`${root}-other/disk`, "");
    for (const outside of [...climbing, `${root}-other/disk`]) {
      const bad = { ...spec, disks: [{ path: outside, format: "raw" as const }] };
      expect(await specObjection(bad, settings)).toMatch(/storage roots/);
    }
  });

  it("refuses a folder as a disk, a missing file, and nothing to boot", async () => {
    const { folder, spec } = withDisk();
    const settings = { storageRoots: [folder], bridges: [] };
    const inner = join(folder, "inner");
    mkdirSync(inner);
    const at = (path: string) => ({ ...spec, disks: [{ path, format: "raw" as const }] });
    expect(await specObjection(at(inner), settings)).toMatch(/neither a file nor a disk/);
    expect(await specObjection(at(join(folder, "no")), settings)).toMatch(/ENOENT/);
    expect(await specObjection({ ...spec, disks: [] }, settings)).toMatch(/neither a kernel/);
  });
});
