import { createSocket } from "node:dgram";
import { mkdirSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { MemberAnswer } from "#agent/cli/answers.ts";
import { clockFinding } from "#agent/cli/doctor/check-clock.ts";
import { firewallFinding } from "#agent/cli/doctor/check-firewall.ts";
import { checkPeers, placeOf } from "#agent/cli/doctor/check-peers.ts";
import { checkPorts } from "#agent/cli/doctor/check-ports.ts";
import { imageToolFindings } from "#agent/cli/doctor/check-qemu.ts";
import { bridgeFinding, checkStorage } from "#agent/cli/doctor/check-storage.ts";
import type { Check } from "#agent/cli/doctor/finding.ts";
import { configSchema } from "#agent/config/schema.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const LISTEN = configSchema.parse({}).listen;

/** What a check finds with these settings and members, as "check level", its remedies aside. */
async function found(
  check: Check,
  settings: unknown,
  members: readonly Partial<MemberAnswer>[] = [],
) {
  const scene = {
    config: configSchema.parse(settings),
    agentAnswers: false,
    members,
    agentUser: null,
  };
  const findings = await check(scene as unknown as Parameters<Check>[0]);
  for (const { level, remedy } of findings) expect(remedy === "").toBe(level === "ok");
  return findings.map(({ check: name, level }) => `${name} ${level}`);
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A port that nobody holds: one that was held a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("clockFinding()", () => {
  it("is at ease only with a time server", () => {
    expect(clockFinding("NTP=yes\nNTPSynchronized=yes\n").level).toBe("ok");
    expect(clockFinding("NTP=yes\nNTPSynchronized=no\n")).toMatchObject({
      level: "warn",
      remedy: expect.stringContaining("timesync-status"),
    });
    expect(clockFinding("NTP=no\nNTPSynchronized=no\n").remedy).toContain("apt-get install");
  });
});

describe("firewallFinding()", () => {
  const input = (policy: string) => ({
    chain: { family: "inet", table: "filter", name: "input", hook: "input", policy },
  });
  const rule = (right: unknown) => ({ rule: { expr: [{ match: { right } }, { accept: null }] } });
  const judge = (...nftables: unknown[]) => firewallFinding(JSON.stringify({ nftables }), LISTEN);

  it.each([
    ["no rules", [], "ok"],
    ["a chain that lets in", [input("accept")], "ok"],
    ["a chain that drops", [input("drop")], "warn"],
    ["one that names the gossip alone", [input("drop"), rule(7531)], "warn"],
    ["one that names all", [input("drop"), rule(7531), rule({ range: [7540, 7559] })], "ok"],
    ["one with a set", [input("drop"), rule({ set: [22, 7531, { range: [7000, 8000] }] })], "ok"],
    ["a range that ends too early", [input("drop"), rule({ range: [7000, 7550] })], "warn"],
  ])("judges %s", (_, nftables, level) => {
    expect(judge(...nftables).level).toBe(level);
  });

  it("says what to add, and where", () => {
    expect(judge(input("drop")).remedy).toBe(
      "nft add rule inet filter input tcp dport { 7531, 7540-7559 } accept; " +
        "nft add rule inet filter input udp dport 7531 accept",
    );
  });
});

describe("checkPeers()", () => {
  const other = (port: number, changes: Partial<MemberAnswer> = {}): Partial<MemberAnswer> => ({
    ...{ name: "host-b", self: false, state: "alive", probePort: null },
    addresses: [`/ip4/127.0.0.1/tcp/${port}/p2p/Qm`],
    ...changes,
  });

  it("tells a member that answers from one that does not", async () => {
    const open = await listening(createServer());
    expect(await found(checkPeers, {}, [other(open)])).toEqual(["peers ok"]);
    expect(await found(checkPeers, {}, [other(await closedPort())])).toEqual(["peers fail"]);
  });

  it("is content with one of several addresses", async () => {
    const ports = [await closedPort(), await listening(createServer())];
    const addresses = ports.map((port) => `/ip4/127.0.0.1/tcp/${port}`);
    expect(await found(checkPeers, {}, [other(0, { addresses })])).toEqual(["peers ok"]);
  });

  it("fails where probes are refused", async () => {
    const open = await listening(createServer());
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const probePort = socket.address().port;
    expect(await found(checkPeers, {}, [other(open, { probePort })])).toEqual(["peers ok"]);
    await new Promise<void>((resolve) => socket.close(resolve));
    expect(await found(checkPeers, {}, [other(open, { probePort })])).toEqual(["peers fail"]);
  });

  it("does not ask itself, the dead, or those without an address", async () => {
    const port = await closedPort();
    const members = [
      other(port, { self: true }),
      other(port, { state: "dead" }),
      other(port, { addresses: [] }),
    ];
    expect(await found(checkPeers, {}, members)).toEqual([]);
  });

  it("placeOf() reads addresses of libp2p", () => {
    expect(placeOf("/ip4/10.0.0.1/tcp/7531/p2p/Qm")).toEqual([{ host: "10.0.0.1", port: 7531 }]);
    expect(placeOf("/ip6/fd00::1/tcp/1")).toEqual([{ host: "fd00::1", port: 1 }]);
    expect(placeOf("/dns4/x/tcp/1")).toEqual([]);
  });
});

describe("checkPorts()", () => {
  it("fails where every port of the channels is taken", async () => {
    const taken = await listening(createServer());
    const listen = { address: "127.0.0.1", port: 0, probePort: 0 };
    const range = { channelPortMin: taken, channelPortMax: taken };
    expect(await found(checkPorts, { listen: { ...listen, ...range } })).toContain("ports fail");
    const free = await closedPort();
    const one = { channelPortMin: free, channelPortMax: free };
    expect(await found(checkPorts, { listen: { ...listen, ...one } })).not.toContain("ports fail");
  });
});

describe("checkStorage()", () => {
  it("wants the roots of storage to be there, and to be folders", async () => {
    const folder = temporaryFolder();
    const roots = (...storageRoots: string[]) => ({
      hypervisor: { storageRoots },
      services: { diskMaxGiB: 0 },
    });
    expect(await found(checkStorage, roots(folder))).toEqual(["storage ok"]);
    expect(await found(checkStorage, roots(join(folder, "none")))).toEqual(["storage warn"]);
    expect(await found(checkStorage, roots("/dev/null"))).toEqual(["storage fail"]);
  });

  it("wants a folder for memory, best in memory", async () => {
    const memory = async (memoryDirectory: string) =>
      found(checkStorage, { hypervisor: { storageRoots: [], memoryDirectory } });
    expect(await memory("/dev/shm")).toEqual(["memory ok"]);
    expect(await memory("/usr")).toEqual(["memory warn"]);
    expect(await memory("/none")).toEqual(["memory fail"]);
  });

  it("warns when members may take more than there is", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "members"));
    const members = (diskMaxGiB: number) => {
      const overlayDirectory = join(folder, "members");
      const hypervisor = { storageRoots: [folder] };
      return found(checkStorage, { hypervisor, services: { overlayDirectory, diskMaxGiB } });
    };
    expect(await members(0.0001)).toEqual(["storage ok"]);
    expect(await members(2 ** 20)).toEqual(["storage ok", "storage warn"]);
  });

  it("needs nothing where guests are simulated", async () => {
    expect(await found(checkStorage, { hypervisor: { driver: "sim" } })).toEqual(["storage ok"]);
  });

  it("bridgeFinding() tells a bridge from another interface and from none", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "br0/bridge"), { recursive: true });
    mkdirSync(join(folder, "eth0"));
    const seen = ["br0", "eth0", "br1"].map((name) => bridgeFinding(name, folder));
    expect(seen.map(({ level }) => level)).toEqual(["ok", "fail", "fail"]);
    expect(seen[1]?.detail).toContain("is no bridge");
  });
});

describe("imageToolFindings()", () => {
  it("warns where overlays cannot be made", async () => {
    expect(await imageToolFindings("true")).toEqual([]);
    expect(await imageToolFindings("/none/qemu-img")).toMatchObject([{ level: "warn" }]);
  });
});
