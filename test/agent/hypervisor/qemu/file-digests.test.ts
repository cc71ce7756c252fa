import { createHash } from "node:crypto";
import { renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FileDigests } from "#agent/hypervisor/qemu/file-digests.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const { signal } = new AbortController();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("FileDigests", () => {
  it("gives the SHA-256, to all who ask at once", async () => {
    const path = join(temporaryFolder(), "image");
    writeFileSync(path, "x".repeat(1_000_000));
    const digests = new FileDigests();
    const asked = await Promise.all([1, 2, 3].map(() => digests.of(path, signal)));
    expect(new Set(asked)).toEqual(new Set([sha256("x".repeat(1_000_000))]));
  });

  it("reads a file anew that was changed or replaced, also with its old times", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "image");
    const digests = new FileDigests();
    for (const text of ["one", "two"]) {
      writeFileSync(path, text);
      utimesSync(path, 1_000, 1_000);
      expect(await digests.of(path, signal)).toBe(sha256(text));
    }
    writeFileSync(join(folder, "new"), "tri");
    utimesSync(join(folder, "new"), 1_000, 1_000);
    renameSync(join(folder, "new"), path);
    expect(await digests.of(path, signal)).toBe(sha256("tri"));
  });

  it("goes on after a file that cannot be read, and stops when told to", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "image"), "one");
    const digests = new FileDigests();
    await expect(digests.of(join(folder, "absent"), signal)).rejects.toThrow("ENOENT");
    const path = join(folder, "image");
    await expect(digests.of(path, AbortSignal.abort())).rejects.toThrow(/abort/i);
    expect(await digests.of(path, signal)).toBe(sha256("one"));
  });
});
