import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { findingOf } from "#agent/cli/doctor/check-multicast.ts";
import { checkNode } from "#agent/cli/doctor/check-node.ts";
import { acceleratorFindings } from "#agent/cli/doctor/check-qemu.ts";
import type { Finding } from "#agent/cli/doctor/finding.ts";
import { apiFixture, temporaryDirectory } from "../../../support/api-fixture.ts";
import { runCli } from "../../../support/run-cli.ts";
import { snapshotFixture } from "../../../support/snapshot-fixture.ts";

/** A healthy host in a directory of its own, to be spoilt one thing at a time. */
async function host(settings = "") {
  const directory = temporaryDirectory();
  const state = join(directory, "state");
  mkdirSync(state, { mode: 0o700 });
  const config = join(directory, "evenkeel.yaml");
  const ports = "listen: {address: 127.0.0.1, port: 0, probePort: 0}\n";
  writeFileSync(
    config,
    `mdns: false\npeers: [10.0.0.2]\nhypervisor: {driver: sim}\n${ports}${settings}`,
  );
  const key = join(directory, "cluster.key");
  await runCli(["key", "generate", "--out", key]);
  const words = ["doctor", "--config", config, "--state-dir", state, "--key", key];
  return { directory, state, config, key, words };
}

/** What the machine that runs the tests is like is none of their business. */
const OF_THE_MACHINE = ["clock", "firewall"];

async function examine(words: readonly string[], socket = "/none.sock") {
  const { code, out } = await runCli([...words, "--json", "--socket", socket]);
  const { ok, checks }: { ok: boolean; checks: Finding[] } = JSON.parse(out);
  expect(ok).toBe(code === 0);
  const levelOf = (name: string) =>
    checks.filter(({ check }) => check === name).map(({ level }) => level);
  return { code, checks, levelOf };
}

describe("evenkeel doctor", () => {
  it("finds nothing that would hurt on a healthy host without a running agent", async () => {
    const { words } = await host();
    const { code, checks } = await examine(words);
    expect(code).toBe(0);
    const warnings = checks.filter(({ level }) => level === "warn").map(({ check }) => check);
    expect(warnings.filter((check) => !OF_THE_MACHINE.includes(check))).toEqual(["agent"]);
  });

  it("prints a line each, a remedy where there is one, and a verdict", async () => {
    const { words } = await host();
    const { out } = await runCli([...words, "--socket", "/none.sock"]);
    expect(out).toMatch(/^ok {4}node {7}v\d+/);
    expect(out).toContain("-> systemctl start evenkeel");
    expect(out.split("\n").at(-1)).toMatch(/^doctor: \d+ looks, nothing that would hurt$/);
  });

  it("reports the agent: who it is, whom it sees, what alarms it", async () => {
    const { words } = await host();
    const { socketPath, view } = await apiFixture();
    const alarmed = await examine(words, socketPath);
    expect(alarmed.code).toBe(1);
    expect(alarmed.levelOf("in-doubt")).toEqual(["fail"]);
    // Their addresses are made up: whether members answer is another test's question.
    const members = snapshotFixture().members.map((member) => ({
      ...member,
      summary: member.summary && { ...member.summary, addresses: [] },
    }));
    view.current = snapshotFixture({ alarms: [], members });
    const well = await examine(words, socketPath);
    expect(well.code).toBe(0);
    expect(well.levelOf("members")).toEqual(["ok"]);
    view.current = snapshotFixture({ alarms: [], members: snapshotFixture().members.slice(0, 1) });
    expect((await examine(words, socketPath)).levelOf("members")).toEqual(["warn"]);
  });

  it.each([
    {
      what: "a key that others may read",
      check: "key",
      spoil: ({ key }: { key: string }) => chmodSync(key, 0o644),
    },
    {
      what: "a key in a folder that others may write",
      check: "key",
      spoil: ({ directory }: { directory: string }) => chmodSync(directory, 0o777),
    },
    {
      what: "a group that is not there",
      check: "group",
      spoil: ({ config }: { config: string }) =>
        appendFileSync(config, "socketGroup: no-such-group\n"),
    },
    {
      what: "a key file that is none",
      check: "key",
      spoil: ({ key }: { key: string }) => writeFileSync(key, "hello"),
    },
    {
      what: "a state directory that others may enter",
      check: "state",
      spoil: ({ state }: { state: string }) => chmodSync(state, 0o755),
    },
    {
      what: "a configuration with an unknown key",
      check: "config",
      spoil: ({ config }: { config: string }) => writeFileSync(config, "bogus: 1\n"),
    },
  ])("fails on $what, with a remedy", async ({ check, spoil }) => {
    const scene = await host();
    spoil(scene);
    const { code, checks } = await examine(scene.words);
    expect(code).toBe(1);
    const failures = checks.filter(({ level }) => level === "fail");
    expect(failures.map((finding) => finding.check)).toEqual([check]);
    expect(failures[0]?.remedy).not.toBe("");
  });

  it("fails on a switch that is not there or is none, and takes one of the right level", async () => {
    const answers = { admin: "admin\n\n", operator: "operator\n\n", web: "HTTP/1.1 400\r\n" };
    const seen: Record<string, readonly string[]> = {};
    for (const [name, answer] of [...Object.entries(answers), ["absent", null] as const]) {
      const socket = join(temporaryDirectory(), "switch.sock");
      const { words } = await host(`switch: {haproxySocket: ${socket}}\n`);
      const server = createServer((peer) => peer.once("data", () => peer.end(answer ?? "")));
      if (answer !== null) {
        await new Promise<void>((resolve) => server.listen(socket, resolve));
        onTestFinished(() => void server.close());
      }
      seen[name] = (await examine(words)).levelOf("switch");
    }
    expect(seen).toEqual({ admin: ["ok"], operator: ["fail"], web: ["fail"], absent: ["fail"] });
  });

  it("fails on a QEMU that is not there", async () => {
    const { words, config } = await host();
    writeFileSync(
      config,
      "mdns: false\npeers: [h]\nhypervisor: {qemuBinary: /none/qemu}\nlisten: {port: 0, probePort: 0}\n",
    );
    const { levelOf, checks } = await examine(words);
    expect(levelOf("qemu")).toEqual(["fail"]);
    expect(checks.find(({ check }) => check === "qemu")?.detail).toContain("/none/qemu");
  });

  it("tells a port that a stranger holds from one that the agent holds", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { words, config } = await host();
    writeFileSync(
      config,
      `mdns: false\npeers: [h]\nhypervisor: {driver: sim}\nlisten: {address: 127.0.0.1, port: ${port}, probePort: 0}\n`,
    );
    const alone = await examine(words);
    expect(alone.levelOf("ports")).toEqual(["fail", "ok", "ok"]);
    const { socketPath } = await apiFixture();
    expect((await examine(words, socketPath)).levelOf("ports")).toEqual(["ok", "ok", "ok"]);
  });
});

describe("checkNode()", () => {
  it("wants 24", () => {
    expect(checkNode("v24.0.0").level).toBe("ok");
    expect(checkNode("v22.9.0")).toMatchObject({
      level: "fail",
      remedy: expect.stringContaining("24"),
    });
  });
});

describe("acceleratorFindings()", () => {
  it("fails where a live migration would corrupt memory, and only there", () => {
    const levels = (version: string, problem: string | null) =>
      acceleratorFindings(version, problem).map(({ check, level }) => `${check} ${level}`);
    expect(levels("7.2.22", "no device")).toEqual(["kvm warn", "migration fail"]);
    expect(levels("10.0.2", "no device")).toEqual(["kvm warn"]);
    expect(levels("7.2.22", null)).toEqual(["kvm ok"]);
  });
});

describe("the multicast check", () => {
  const head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
  const line = (name: string, destination: string, mask: string, flags = "0003") =>
    `${name}\t${destination}\t0100000A\t${flags}\t0\t0\t0\t${mask}\t0\t0\t0\n`;
  const lan = line("eth0", "0000000A", "00FFFFFF");

  it.each([
    ["a default route", `${head}${line("eth0", "00000000", "00000000")}`, null, "ok"],
    ["a multicast route", `${head}${lan}${line("br0", "000000E0", "000000F0")}`, null, "ok"],
    [
      "a route by another interface",
      `${head}${line("eth0", "000000E0", "000000F0")}`,
      "br0",
      "fail",
    ],
    [
      "a route that is down",
      `${head}${line("eth0", "000000E0", "000000F0", "0002")}`,
      null,
      "fail",
    ],
    ["the loopback alone", `${head}${line("lo", "000000E0", "000000F0")}`, null, "fail"],
    ["only a LAN", head + lan, null, "fail"],
    ["nothing", head, null, "fail"],
  ] as const)("judges %s", (_, table, wanted, level) => {
    expect(findingOf(table, wanted, 0).level).toBe(level);
  });

  it("only warns where peers are listed", () => {
    expect(findingOf(head, null, 2).level).toBe("warn");
  });
});
