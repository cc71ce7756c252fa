/**
 * What an admin gets wrong, put before a real agent: it ends with the right exit code (78 when a
 * restart would only meet the same again) and one line that names the thing and the remedy.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AgentFleet } from "../support/agent-fleet.ts";
import type { AgentHost } from "../support/agent-host.ts";
import { eventually } from "../support/eventually.ts";
import { fleetInTest } from "../support/fleet-in-test.ts";

const exitCodes = { failed: 1, configuration: 78 } as const;
const MIB = 2 ** 20;
/** A start that fails takes a second; on a starved machine far more. */
const END_MS_MAX = 90_000;
/** Enough for a journal and an identity, soon full. */
const SMALL_DISK = "size=2m";
const sim = { hypervisor: { driver: "sim" } };

function oneHost(settings: Readonly<Record<string, unknown>> = sim): AgentFleet {
  return fleetInTest({ count: 1, network: "loopback", settings });
}

/** Starts the agent, which must end by itself, and judges its end. */
async function expectEnd(host: AgentHost, code: number, words: readonly RegExp[]): Promise<void> {
  host.spawn();
  await eventually("the agent ends", async () => !host.running, { limitMs: END_MS_MAX });
  expect(await host.ended).toEqual({ code, signal: null });
  const lines = host.log().trimEnd().split("\n");
  const last = lines.at(-1) ?? "";
  expect(last).toMatch(/^evenkeel: \S/);
  for (const pattern of words) expect(last).toMatch(pattern);
  // Nobody should have to read a stack to mend a setting.
  expect(host.log()).not.toMatch(/^\s+at .*:\d+:\d+/m);
}

interface Mistake {
  readonly name: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly arrange?: (fleet: AgentFleet) => void | Promise<void>;
  readonly code: number;
  readonly words: readonly RegExp[];
}

const mistakes: readonly Mistake[] = [
  {
    name: "an unknown key in the configuration",
    settings: { balnce: { gainMin: 0.01 } },
    code: exitCodes.configuration,
    words: [/n1\.yaml:\d+: balnce: unknown setting/, /remove it/],
  },
  {
    name: "a value out of bounds",
    settings: { balance: { hotShare: 7 } },
    code: exitCodes.configuration,
    words: [/n1\.yaml:\d+: balance\.hotShare/, /found 7/],
  },
  {
    name: "a key file that is not there",
    arrange: (fleet) => rmSync(fleet.keyFile),
    code: exitCodes.configuration,
    words: [/\/key: no cluster key there/, /evenkeel key generate/],
  },
  {
    name: "a key file that others may read",
    arrange: (fleet) => chmodSync(fleet.keyFile, 0o644),
    code: exitCodes.configuration,
    words: [/\/key: .*open to others \(mode 0644\)/, /chmod 600 \S+\/key/],
  },
  {
    name: "a key file that holds something else",
    arrange: (fleet) => writeFileSync(fleet.keyFile, "my dog's name\n"),
    code: exitCodes.configuration,
    words: [/\/key: not a cluster key/, /evenkeel key generate/],
  },
  {
    name: "a state directory that others may write in",
    arrange: ({ folder }) => {
      mkdirSync(join(folder, "n1"));
      chmodSync(join(folder, "n1"), 0o777);
    },
    code: exitCodes.configuration,
    words: [/\/n1: others may write/, /chmod 700 \S+\/n1/],
  },
  {
    name: "a QEMU that is not installed",
    settings: { hypervisor: { driver: "qemu", qemuBinary: "/opt/qemu-of-nobody" } },
    code: exitCodes.failed,
    words: [/\/opt\/qemu-of-nobody cannot be used/, /install qemu-system-x86/],
  },
  {
    name: "a socket's path that holds a file",
    arrange: ({ folder }) => writeFileSync(join(folder, "n1.sock"), "notes"),
    code: exitCodes.failed,
    words: [/n1\.sock exists and is not a socket/, /choose another path/],
  },
  {
    name: "a port that another program has",
    arrange: async (fleet) => {
      const server = createServer();
      onTestFinished(() => void server.close());
      await new Promise<void>((resolve) => server.listen(7531, fleet.addressOf(1), resolve));
    },
    code: exitCodes.failed,
    words: [/7531/, /in use/, /choose another/],
  },
];

describe("a mistake before the start", () => {
  it.each(mistakes)("$name ends the agent with $code and one line", async (mistake) => {
    const fleet = oneHost(mistake.settings ?? sim);
    await mistake.arrange?.(fleet);
    await expectEnd(fleet.host(1), mistake.code, mistake.words);
  });

  it("a key file that the agent may not read ends it with 78 and one line", async () => {
    const fleet = oneHost();
    chmodSync(fleet.keyFile, 0o000);
    // Without these capabilities root is held to modes like everybody.
    const asUser = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"];
    const host = fleet.makeHost(1, process.getuid?.() === 0 ? { prefix: asUser } : {});
    await expectEnd(host, exitCodes.configuration, [
      /\/key: cannot read the cluster key/,
      /EACCES|permission/i,
    ]);
  });

  it("a socket or a state directory of a running agent is left to it", async () => {
    const fleet = oneHost();
    const first = fleet.host(1);
    await first.start();
    // Each has its own name, so that none writes into the first one's log.
    const stateFlags = ["--state-dir", first.stateDirectory];
    const sameState = fleet.makeHost(1, { name: "second", flags: stateFlags });
    await expectEnd(sameState, exitCodes.failed, [/journal/, /another agent runs/]);
    const sameSocket = fleet.makeHost(2, { name: "n2", flags: ["--socket", first.socketPath] });
    await expectEnd(sameSocket, exitCodes.failed, [/n1\.sock is in use/, /--socket/]);
    expect((await first.api.status()).name).toBe("n1");
  });
});

describe("a broken VM spec", () => {
  it.each([
    ["name: Web_1\nmemory: 96MiB\n", /name: must be/],
    ["name: web\nmemory: lots\n", /memory: must be a size such as/],
    ["name: web\nmemory: 96MiB\ncolour: blue\n", /colour/],
    ["name: web\nmemory: 96MiB\nkernel: {path: ../vmlinux}\n", /kernel\.path: must be a plain/],
    ["name: web\nmemory: [\n", /line \d|YAML|yaml/],
    ["", /./],
  ])("%j is answered 400 with the field", async (text, words) => {
    const fleet = oneHost();
    await fleet.host(1).start();
    const answer = await fleet.host(1).api.ask("/v1/vms", text);
    expect(answer.status).toBe(400);
    const { message } = (answer.json as { error: { message: string } }).error;
    expect(message).toMatch(words);
    expect(message).not.toContain("\n");
    expect(await fleet.host(1).api.vms()).toEqual([]);
  });
});

const canMount = (() => {
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!canMount)("a state directory on a full disk", () => {
  function smallDisk(folder: string): void {
    mkdirSync(folder, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", `${SMALL_DISK},mode=700`, "tmpfs", folder]);
  }

  function fill(folder: string): string {
    const path = join(folder, "ballast");
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(path, Buffer.alloc(bavail * bsize), { flag: "w" });
    return path;
  }

  it("ends the start with one line that names the file and the remedy", async () => {
    const fleet = oneHost();
    const host = fleet.host(1);
    smallDisk(host.stateDirectory);
    fill(host.stateDirectory);
    await expectEnd(host, exitCodes.failed, [new RegExp(host.stateDirectory), /free space/]);
    rmSync(join(host.stateDirectory, "ballast"));
    await host.start();
  });

  it("ends a running agent at the first write, which loses nothing it had answered for", async () => {
    const fleet = oneHost();
    const host = fleet.host(1);
    smallDisk(host.stateDirectory);
    await host.start();
    const ballast = fill(host.stateDirectory);
    const defined: string[] = [];
    for (let i = 0; i < 200 && host.running; i++) {
      const spec = `name: vm-${i}\nmemory: 96MiB\n`;
      const status = await host.api.ask("/v1/vms", spec).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status >= 200 && status < 300) defined.push(`vm-${i}`);
    }
    await eventually("the agent ended", async () => !host.running);
    expect((await host.ended).code).toBe(exitCodes.failed);
    const last = host.logLines().findLast(({ level }) => level === "error");
    expect(last?.msg).toMatch(/the agent ends: .*no space left.*free space/);
    rmSync(ballast);
    await host.start();
    const names = (await host.api.vms()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(defined));
    // The write that failed may have got to the disk or not; nothing else may be there.
    expect(names.length).toBeLessThanOrEqual(defined.length + 1);
    expect(readdirSync(dirname(host.stateDirectory))).toContain("n1");
    expect(statfsSync(host.stateDirectory).bavail * 4096).toBeLessThan(2 * MIB);
  });
});
