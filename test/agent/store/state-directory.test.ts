import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prepareStateDirectory } from "#agent/store/state-directory.ts";
import { StateDirectoryError } from "#agent/store/store-error.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("prepareStateDirectory()", () => {
  it("makes a folder for the agent alone, once", () => {
    const path = join(temporaryFolder(), "a", "state");
    prepareStateDirectory(path);
    prepareStateDirectory(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it("refuses a folder where others may write, with its remedy", () => {
    const path = temporaryFolder();
    chmodSync(path, 0o777);
    expect(() => prepareStateDirectory(path)).toThrow(`(mode 0777): chmod 700 ${path}`);
  });

  it("refuses a file in its place", () => {
    const path = join(temporaryFolder(), "file");
    writeFileSync(path, "");
    expect(() => prepareStateDirectory(path)).toThrow(StateDirectoryError);
    expect(() => prepareStateDirectory(join(path, "deeper"))).toThrow(/cannot be used: ENOTDIR/);
  });
});
