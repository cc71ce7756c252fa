import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadIdentity } from "#agent/store/identity.ts";
import { IdentityError } from "#agent/store/store-error.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("loadIdentity()", () => {
  it("makes a seed once and finds the same ever after", () => {
    const folder = temporaryFolder();
    const seed = loadIdentity(folder);
    expect(seed).toHaveLength(32);
    expect(Buffer.from(loadIdentity(folder)).equals(seed)).toBe(true);
    expect(Buffer.from(loadIdentity(temporaryFolder())).equals(seed)).toBe(false);
  });

  it("leaves one file, open to its owner alone", () => {
    const folder = temporaryFolder();
    loadIdentity(folder);
    expect(readdirSync(folder)).toEqual(["identity.key"]);
    expect(statSync(join(folder, "identity.key")).mode & 0o777).toBe(0o600);
  });

  it("refuses an identity that others may read", () => {
    const folder = temporaryFolder();
    loadIdentity(folder);
    chmodSync(join(folder, "identity.key"), 0o644);
    expect(() => loadIdentity(folder)).toThrow(/open to others \(mode 0644\): chmod 600/);
  });

  it.each(["", "evenkeel-identity-v1 AAAA", "garbage\0"])(
    "never replaces a broken one: %j",
    (text) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, "identity.key"), text, { mode: 0o600 });
      expect(() => loadIdentity(folder)).toThrow(IdentityError);
      expect(() => loadIdentity(folder)).toThrow(/broken host identity: restore it from a backup/);
    },
  );

  it("says what is wrong with a folder that cannot be written", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "");
    expect(() => loadIdentity(join(folder, "file"))).toThrow(/cannot write the host identity/);
  });
});
