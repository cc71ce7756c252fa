import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  clusterKeyFingerprint,
  deriveSecrets,
  formatClusterKey,
  generateClusterKey,
  parseClusterKey,
  readClusterKeyFile,
  writeClusterKeyFile,
} from "#agent/store/cluster-key.ts";
import { ClusterKeyError } from "#agent/store/store-error.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const LINE = `evenkeel-key-v1 00c0ffee ${Buffer.alloc(32, 7).toString("base64")}`;
const MOVE = "web-1.2.0123456789abcdef";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("parseClusterKey()", () => {
  it("is the inverse of formatClusterKey()", () => {
    const key = generateClusterKey();
    expect(formatClusterKey(parseClusterKey(formatClusterKey(key)))).toBe(formatClusterKey(key));
    expect(formatClusterKey(parseClusterKey(`  ${LINE}\n\n`))).toBe(LINE);
  });

  it.each([
    ["nothing", ""],
    ["another version", LINE.replace("v1", "v2")],
    ["a short secret", `evenkeel-key-v1 00c0ffee ${Buffer.alloc(31).toString("base64")}`],
    ["no id", LINE.replace("00c0ffee ", "")],
    ["two lines", `${LINE}\n${LINE}`],
    ["a passphrase", "correct horse battery staple"],
  ])("refuses %s", (_name, text) => {
    expect(() => parseClusterKey(text)).toThrow(ClusterKeyError);
  });

  it("never quotes what it refuses", () => {
    const nearly = LINE.slice(0, -3);
    expect(() => parseClusterKey(nearly, "key.file")).toThrow(/^key\.file: not a cluster key/);
    expect(() => parseClusterKey(nearly)).not.toThrow(new RegExp(nearly.slice(30)));
  });
});

describe("generateClusterKey()", () => {
  it("never makes the same twice", () => {
    const lines = Array.from({ length: 20 }, () => formatClusterKey(generateClusterKey()));
    expect(new Set(lines).size).toBe(20);
  });
});

describe("clusterKeyFingerprint()", () => {
  it("is the same for the same key and tells others apart", () => {
    const fingerprint = clusterKeyFingerprint(parseClusterKey(LINE));
    expect(fingerprint).toMatch(/^([0-9a-f]{4}-){3}[0-9a-f]{4}$/);
    expect(clusterKeyFingerprint(parseClusterKey(LINE))).toBe(fingerprint);
    expect(clusterKeyFingerprint(generateClusterKey())).not.toBe(fingerprint);
  });
});

describe("deriveSecrets()", () => {
  const secrets = deriveSecrets(parseClusterKey(LINE));

  // Agents of two versions must derive the same: a change here is a change of the key's format.
  it("derives what it always derived", () => {
    expect({
      pnet: hex(secrets.pnetKey),
      probe: hex(secrets.probeKey),
      tag: secrets.serviceTag,
      channel: hex(secrets.channelKey(MOVE)),
    }).toMatchInlineSnapshot(`
      {
        "channel": "a7cb0235030a4a4d474f0d0aeab34d1e008aee025c53070aa74201037dfe0285",
        "pnet": "5acd14bacc923efc6be45820814cd70a36c752dcde759bb549c42f2bbde58385",
        "probe": "d42d9152c3d433ef804674dac11791a82f435a1ebef34fa0449dd8f29731fdb7",
        "tag": "_ek-1460249269._udp.local",
      }
    `);
  });

  it("gives each use and each move a key of its own", () => {
    const keys = [
      secrets.pnetKey,
      secrets.probeKey,
      secrets.channelKey(MOVE),
      secrets.channelKey(MOVE.replace("2", "3")),
    ].map(hex);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toHaveLength(64);
  });
});

describe("readClusterKeyFile()", () => {
  it("reads what writeClusterKeyFile() wrote, mode 0600", () => {
    const path = join(temporaryFolder(), "cluster.key");
    const key = generateClusterKey();
    writeClusterKeyFile(path, key);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(formatClusterKey(readClusterKeyFile(path))).toBe(formatClusterKey(key));
  });

  it("names the remedy for a missing file", () => {
    const path = join(temporaryFolder(), "cluster.key");
    expect(() => readClusterKeyFile(path)).toThrow(/cluster\.key: no cluster key .*key generate/);
  });

  it.each([0o644, 0o640, 0o604, 0o660])("refuses mode %o with its remedy", (mode) => {
    const path = join(temporaryFolder(), "cluster.key");
    writeFileSync(path, LINE);
    chmodSync(path, mode);
    expect(() => readClusterKeyFile(path)).toThrow(`chmod 600 ${path}`);
  });

  it.runIf(process.getuid?.() === 0)("refuses a file of another user", () => {
    const path = join(temporaryFolder(), "cluster.key");
    writeFileSync(path, LINE, { mode: 0o600 });
    chownSync(path, 12_345, 0);
    expect(() => readClusterKeyFile(path)).toThrow("belongs to user 12345");
  });

  it("refuses a folder and a file that is far too long", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "folder"));
    expect(() => readClusterKeyFile(join(folder, "folder"))).toThrow(/not a plain file/);
    const path = join(folder, "long.key");
    writeFileSync(path, "x".repeat(5000), { mode: 0o600 });
    expect(() => readClusterKeyFile(path)).toThrow(/has 5000 bytes, at most 1024/);
  });
});

describe("writeClusterKeyFile()", () => {
  it("never replaces a key", () => {
    const path = join(temporaryFolder(), "cluster.key");
    const key = generateClusterKey();
    writeClusterKeyFile(path, key);
    expect(() => writeClusterKeyFile(path, generateClusterKey())).toThrow(
      /there is a cluster key already/,
    );
    expect(formatClusterKey(readClusterKeyFile(path))).toBe(formatClusterKey(key));
  });
});
