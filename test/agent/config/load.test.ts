import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Config } from "#agent/config/config.ts";
import { ConfigError } from "#agent/config/config-error.ts";
import { type ConfigFlags, loadConfig } from "#agent/config/load.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

function load(yaml: string, flags: ConfigFlags = {}): Config {
  const path = join(temporaryFolder(), "evenkeel.yaml");
  writeFileSync(path, yaml);
  return loadConfig({ path, flags, environment: {} });
}

describe("loadConfig()", () => {
  it("fills in every setting when the file is empty", () => {
    const config = load("");
    expect(config.name).toBe(hostname());
    expect(config.socket).toBe("/run/evenkeel/evenkeel.sock");
    expect(config.readSocket).toBe("/run/evenkeel/read.sock");
    expect(config.keyFile).toMatchObject({ path: "/etc/evenkeel/cluster.key", required: false });
    expect(config.hypervisor.guestDirectory).toBe("/var/lib/evenkeel");
    expect(config.listen.port).toBe(7531);
  });

  it("works without any file", () => {
    const config = loadConfig({ flags: { name: "host-a" }, environment: {} });
    expect(config.name).toBe("host-a");
  });

  it("reads sections, and keeps the defaults of what they leave out", () => {
    const config = load("capacity: { cpuCores: 0.5 }\nlisten:\n  port: 0\n");
    expect(config.capacity).toEqual({ cpuCores: 0.5, memoryMiB: null });
    expect(config.listen).toMatchObject({ port: 0, probePort: 7531 });
  });

  it("lets flags win over the file", () => {
    const config = load("name: from-file\nlog: { level: warn }\n", {
      name: "from-flag",
      stateDirectory: "/srv/state",
      socket: "/srv/host-a.sock",
      keyFile: "/srv/key",
      logLevel: "debug",
    });
    expect(config).toMatchObject({
      name: "from-flag",
      stateDirectory: "/srv/state",
      socket: "/srv/host-a.sock",
      readSocket: "/srv/host-a-read.sock",
      keyFile: { path: "/srv/key", required: true },
      log: { level: "debug" },
    });
    expect(config.hypervisor.guestDirectory).toBe("/srv/state");
  });

  it("takes paths on the command line from where it is typed", () => {
    const config = load("", { stateDirectory: "state", socket: "./a.sock", keyFile: "/key" });
    expect(config.stateDirectory).toBe(join(process.cwd(), "state"));
    expect(config.socket).toBe(join(process.cwd(), "a.sock"));
    expect(config.keyFile.path).toBe("/key");
  });

  it("is frozen through and through", () => {
    const config = load("peers: [host-b]");
    for (const part of [config, config.listen, config.peers, config.hypervisor, config.keyFile]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it("takes the key that systemd hands over, unless the file names one", () => {
    const credentials = temporaryFolder();
    writeFileSync(join(credentials, "cluster.key"), "");
    const environment = { CREDENTIALS_DIRECTORY: credentials };
    const path = join(credentials, "cluster.key");
    expect(loadConfig({ environment }).keyFile).toEqual({
      path,
      required: true,
      isCredential: true,
    });
    expect(loadConfig({ environment, flags: { keyFile: "/a" } }).keyFile.path).toBe("/a");
  });

  it("takes the whole folder that systemd hands over, with a key in it or none", () => {
    const credentials = temporaryFolder();
    const environment = { CREDENTIALS_DIRECTORY: credentials };
    writeFileSync(join(credentials, "etc_evenkeel.yaml"), "name: handed\n");
    const config = loadConfig({ environment });
    const path = join(credentials, "etc_cluster.key");
    expect({ name: config.name, keyFile: config.keyFile }).toEqual({
      name: "handed",
      keyFile: { path, required: false, isCredential: true },
    });
    expect(() => loadConfig({ environment, path: join(credentials, "none.yaml") })).toThrow(
      /cannot read the configuration/,
    );
  });
});

const refusals: readonly { name: string; yaml: string; flags?: ConfigFlags; says: RegExp }[] = [
  {
    name: "an unknown key",
    yaml: "name: a\n\nsokcet: /x\n",
    says: /evenkeel\.yaml:3: sokcet: unknown setting/,
  },
  {
    name: "an unknown key in a section",
    yaml: "listen:\n  prot: 1\n",
    says: /evenkeel\.yaml:2: listen\.prot: unknown setting/,
  },
  {
    name: "a wrong type",
    yaml: "mdns: maybe\n",
    says: /:1: mdns: .*expected boolean.*\(found "maybe"\)/,
  },
  {
    name: "a number out of bounds",
    yaml: "balance:\n  hotShare: 90\n",
    says: /:2: balance\.hotShare: .*<=1 \(found 90\)/,
  },
  {
    name: "an item of a list",
    yaml: "hypervisor:\n  storageRoots:\n    - /srv\n    - images\n",
    says: /:4: hypervisor\.storageRoots\.1: expected an absolute path \(found "images"\)/,
  },
  {
    name: "a section that is none",
    yaml: "log: debug\n",
    flags: { logLevel: "info" },
    says: /:1: log: .*expected object/,
  },
  {
    name: "a range of ports the wrong way round",
    yaml: "listen: { channelPortMin: 9000, channelPortMax: 8000 }\n",
    says: /listen\.channelPortMax: expected at least channelPortMin \(9000\)/,
  },
  {
    name: "members' disks outside the storage roots",
    yaml: "hypervisor: { storageRoots: [/srv/a] }\nservices:\n  overlayDirectory: /srv/ab\n",
    says: /:3: services\.overlayDirectory: .*under one of .*\(\/srv\/a\) \(found "\/srv\/ab"\)/,
  },
  {
    name: "less than no disk for members",
    yaml: "services: { diskMaxGiB: -1 }\n",
    says: /services\.diskMaxGiB: .*>=0 \(found -1\)/,
  },
  {
    name: "a switch's socket that is no path",
    yaml: "switch:\n  haproxySocket: haproxy.sock\n",
    says: /:2: switch\.haproxySocket: expected an absolute path/,
  },
  {
    name: "one socket for both uses",
    yaml: "socket: /run/a.sock\nreadSocket: /run/a.sock\n",
    says: /:2: readSocket: expected another path/,
  },
  {
    name: "a socket path that the kernel would cut",
    yaml: `socket: /${"x".repeat(120)}\n`,
    says: /:1: socket: Too big/,
  },
  {
    name: "a reading socket that the kernel would cut",
    yaml: `socket: /${"x".repeat(104)}\n`,
    says: /too long for a socket .* set readSocket/,
  },
  { name: "a bad flag", yaml: "", flags: { socket: "" }, says: /^--socket: expected an absolute/ },
  {
    name: "a bad level by flag",
    yaml: "",
    flags: { logLevel: "loud" },
    says: /^--log-level: .*"debug".*\(found "loud"\)/,
  },
  { name: "broken YAML", yaml: "name: [\n", says: /evenkeel\.yaml:\d+: not valid YAML/ },
  { name: "a key given twice", yaml: "name: a\nname: b\n", says: /:2: not valid YAML: Map keys/ },
  { name: "a list", yaml: "- name\n", says: /expected settings/ },
  { name: "a novel", yaml: `# ${"x".repeat(300_000)}`, says: /more than 262144 bytes/ },
];

describe("loadConfig() refuses, in one line with its place,", () => {
  it.each(refusals)("$name", ({ yaml, flags, says }) => {
    let thrown: unknown;
    try {
      load(yaml, flags);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigError);
    const message = thrown instanceof Error ? thrown.message : "";
    expect(message).toMatch(says);
    expect(message).not.toContain("\n");
  });

  it("a file that was named and is not there", () => {
    expect(() => loadConfig({ path: "/nowhere/evenkeel.yaml", environment: {} })).toThrow(
      /^\/nowhere\/evenkeel\.yaml: cannot read the configuration: ENOENT/,
    );
  });

  it("a folder", () => {
    const path = join(temporaryFolder(), "evenkeel.yaml");
    mkdirSync(path);
    expect(() => loadConfig({ path, environment: {} })).toThrow(/cannot read the configuration/);
  });

  it("a bomb of aliases", () => {
    const levels = Array.from({ length: 20 }, (_, i) => `a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`);
    const bomb = ["a0: &a0 [1, 1]", ...levels.slice(1)].join("\n");
    expect(() => load(bomb)).toThrow(ConfigError);
  });
});
