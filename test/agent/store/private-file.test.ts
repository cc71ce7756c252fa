import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createPrivateFile, readPrivateFile } from "#agent/store/private-file.ts";
import { IdentityError } from "#agent/store/store-error.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const failure = (message: string, options?: { cause: unknown }) =>
  new IdentityError(message, options);
const options = { what: "secret", failure };
const readOptions = { ...options, bytesMax: 100, missingRemedy: "make one" };

describe("createPrivateFile()", () => {
  it("makes the folder, closed to others, and leaves nothing beside the file", () => {
    const folder = join(temporaryFolder(), "a", "b");
    createPrivateFile(join(folder, "secret"), "text", options);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder)).toEqual(["secret"]);
    expect(readFileSync(join(folder, "secret"), "utf8")).toBe("text");
  });
});

describe("readPrivateFile()", () => {
  it("takes from systemd what an ACL opens to the service's user, and nothing wider", () => {
    const path = join(temporaryFolder(), "secret");
    writeFileSync(path, "text");
    chmodSync(path, 0o440);
    expect(() => readPrivateFile(path, readOptions)).toThrow(/open to others/);
    const handed = { ...readOptions, isCredential: true };
    expect(readPrivateFile(path, handed)).toBe("text");
    chmodSync(path, 0o444);
    expect(() => readPrivateFile(path, handed)).toThrow(/open to others/);
  });

  it("does not hang on a pipe in the file's place", () => {
    const path = join(temporaryFolder(), "pipe");
    execFileSync("sh", ["-c", `mkfifo -m 600 "$0"`, path]);
    expect(() => readPrivateFile(path, readOptions)).toThrow(/not a plain file/);
  });
});
