/** What an operator does to real guests, through the sockets of real agents. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { AgentFleet } from "../support/agent-fleet.ts";
import { AgentHost } from "../support/agent-host.ts";
import { eventually } from "../support/eventually.ts";
import { showLogs } from "../support/fleet-in-test.ts";
import { labGuestFolder } from "../support/lab-guest.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";
import { QemuGuests } from "../support/qemu-guests.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const BANDWIDTH_MIBPS = 6;
const NO_PROGRESS_SECONDS = 4;
const STEP = { limitMs: 120_000, pollMs: 100 };
const TEST_MS_MAX = 400_000;

const guests = new QemuGuests({
  settings: {
    migration: { bandwidthMiBps: BANDWIDTH_MIBPS, noProgressSeconds: NO_PROGRESS_SECONDS },
  },
});
/** Writes all of that memory anew several times a second: faster than the cap. A guest has 40 MiB free. */
const writers = new QemuGuests({ dirtyMiB: 24, ratePages: 4_000 });

describe.skipIf(!canMakeNamespaces())("an operator's words", { timeout: TEST_MS_MAX }, () => {
  let fleet: AgentFleet;
  let first: AgentHost;
  let second: AgentHost;

  beforeAll(async () => {
    fleet = new AgentFleet({ count: 2, network: "namespaces", settings: guests.settings });
    first = fleet.host(1);
    second = fleet.host(2);
    await fleet.startAll();
    await fleet.joined();
  });

  afterAll(() => fleet.close());

  it("suspend and resume a guest, over a restart of its agent in between", async () => {
    const api = await started("sleeper");
    await counts("sleeper");
    await first.kill();
    await counts("sleeper");
    await first.start();
    expect(await stateOf("sleeper")).toBe("running");
    expect(await api.post("/v1/vms/sleeper/suspend")).toMatchObject({ status: 200 });
    expect(first.guests().filter(({ vm }) => vm === "sleeper")).toEqual([]);
    const before = await guests.count(fleet, "sleeper");
    await first.kill();
    await first.start();
    expect(await stateOf("sleeper")).toBe("suspended");
    expect(await api.post("/v1/vms/sleeper/resume")).toMatchObject({ status: 200 });
    await counts("sleeper", before);
    expect(await countFaults("sleeper")).toEqual([]);
    await removed("sleeper");
  });

  it("stop a guest, and it stays stopped over a restart", async () => {
    const api = await started("stopper");
    expect(await api.post("/v1/vms/stopper/stop", { force: false })).toMatchObject({ status: 200 });
    expect(first.guests().filter(({ vm }) => vm === "stopper")).toEqual([]);
    await first.kill();
    await first.start();
    expect(await stateOf("stopper")).toBe("stopped");
    expect((await api.status()).alarms).toEqual([]);
    await removed("stopper");
  });

  it("cancel a move under way: the guest has never left", async () => {
    const api = await started("stayer");
    await underWay("stayer");
    expect(await api.post("/v1/vms/stayer/cancel")).toMatchObject({ status: 202 });
    const ended = await endOf("stayer");
    expect(ended.result).toBe("aborted");
    expect(ended.detail).toMatch(/cancel/);
    await counts("stayer");
    expect(second.guests()).toEqual([]);
    expect(await countFaults("stayer")).toEqual([]);
    await removed("stayer");
  });

  it("are told why a move that makes no headway is given up", async () => {
    await started("writer", writers);
    await underWay("writer");
    const ended = await endOf("writer");
    expect(ended.result).toBe("aborted");
    expect(ended.detail).toMatch(
      new RegExp(`no headway for ${NO_PROGRESS_SECONDS * 1000} ms: \\d+ of \\d+ bytes left`),
    );
    await counts("writer");
    expect(await countFaults("writer")).toEqual([]);
    await removed("writer");
  });

  /** Starts a guest on the first host and waits until it counts. */
  async function started(vm: string, kind = guests) {
    onTestFailed(() => showLogs(fleet));
    const { api } = first;
    await api.post("/v1/vms", kind.spec(vm));
    await api.post(`/v1/vms/${vm}/start`);
    await counts(vm);
    return api;
  }

  async function counts(vm: string, from?: number): Promise<void> {
    const before = from ?? (await guests.count(fleet, vm));
    const holds = async () => (await guests.count(fleet, vm)) > before + 2;
    await eventually(`${vm} counts on from ${before}`, holds, STEP);
  }

  async function countFaults(vm: string): Promise<readonly number[]> {
    const { lost, repeated } = await fleet.serialCounts(vm);
    return [...lost, ...repeated];
  }

  async function stateOf(vm: string): Promise<string | undefined> {
    return (await first.api.vms()).find(({ name }) => name === vm)?.state;
  }

  /** Begins a move to the second host; resolves when memory flows. */
  function underWay(vm: string): Promise<number> {
    return moveBegun(first, second, vm);
  }

  async function endOf(vm: string): Promise<EndedMove> {
    return moveEnd(first, vm);
  }

  async function removed(vm: string): Promise<void> {
    await first.api.ask(`/v1/vms/${vm}/stop`, { force: true });
    await first.api.post(`/v1/vms/${vm}/undefine`);
  }
});

describe.skipIf(!canMakeNamespaces())("a guest with a disk", { timeout: TEST_MS_MAX }, () => {
  it("moves to a host that sees the same file, and is refused by one that does not", async () => {
    const images = join(temporaryFolder(), "images");
    mkdirSync(images);
    const disk = join(images, "web.qcow2");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", disk, "16M"]);
    const hypervisor = { driver: "qemu", storageRoots: [labGuestFolder, images] };
    const fleet = new AgentFleet({ count: 3, network: "namespaces", settings: { hypervisor } });
    try {
      const [first, second] = [fleet.host(1), fleet.host(2)];
      // The third has a folder of that name, and another disk in it.
      const third = new AgentHost({
        folder: fleet.folder,
        name: "n3",
        keyFile: fleet.keyFile,
        settings: { hypervisor },
        from: "source",
        commandOn: (command) =>
          fleet.commandOn(3, [
            "unshare",
            "--mount",
            "sh",
            "-c",
            OWN_DISK,
            images,
            disk,
            ...command,
          ]),
      });
      await Promise.all([first.start(), second.start(), third.start()]);
      const kernel = { ...(guests.spec("web")["kernel"] as { cmdline: string }) };
      const spec = {
        ...guests.spec("web"),
        machine: "q35",
        kernel: { ...kernel, cmdline: `${kernel.cmdline} disk=1` },
        disks: [{ path: disk, format: "qcow2" }],
      };
      await first.api.post("/v1/vms", spec);
      await first.api.post("/v1/vms/web/start");
      const count = () => guests.count(fleet, "web");
      await eventually("web counts", async () => (await count()) > 5, STEP);

      const words = await refusal(first, third, "web");
      expect(words).toContain(`${disk} here is not the disk of the source: not shared`);
      await moveBegun(first, second, "web");
      expect((await moveEnd(first, "web")).result).toBe("moved");
      const before = await count();
      await eventually("web counts on", async () => (await count()) > before + 2, STEP);
      const { lost, repeated } = await fleet.serialCounts("web");
      expect([...lost, ...repeated]).toEqual([]);
      expect(second.guests().map(({ vm }) => vm)).toEqual(["web"]);
      expect(readdirSync(images)).toEqual(["web.qcow2"]);
      await third.kill();
    } catch (error) {
      showLogs(fleet);
      throw error;
    } finally {
      await fleet.close();
    }
  });
});

/** $0 is the folder that this host has a file system of its own at, $1 the disk to make in it. */
const OWN_DISK =
  'mount -t tmpfs none "$0" && qemu-img create -q -f qcow2 "$1" 16M && shift && exec "$@"';

interface EndedMove {
  readonly vm: string;
  readonly result: string;
  readonly detail: string;
}

async function moveEnd(source: AgentHost, vm: string): Promise<EndedMove> {
  let ended: EndedMove | undefined;
  const holds = async () => {
    const { history } = await source.api.get<{ history: EndedMove[] }>("/v1/history");
    ended = history.find((move) => move.vm === vm);
    return ended !== undefined;
  };
  await eventually(`the move of ${vm} ended`, holds, STEP);
  if (ended === undefined) throw new Error("it ended");
  return ended;
}

/** Orders a move; resolves when it has begun. A host that was just joined is not known at once. */
async function moveBegun(source: AgentHost, target: AgentHost, vm: string): Promise<number> {
  let words = "";
  const holds = async () => {
    const answer = await source.api.ask(`/v1/vms/${vm}/migrate`, { target: target.name });
    words = answer.text;
    return answer.status === 202;
  };
  await eventually(`a move of ${vm} to ${target.name} begins`, holds, {
    ...STEP,
    pollMs: 500,
  }).catch((cause) => {
    throw new Error(words, { cause });
  });
  const moves = async () =>
    (
      await source.api.get<{
        moves: { vm: string; progress: { transferredBytes: number } | null }[];
      }>("/v1/moves")
    ).moves;
  return eventually(
    `memory of ${vm} flows`,
    async () => {
      const move = (await moves()).find((one) => one.vm === vm);
      return move === undefined || (move.progress?.transferredBytes ?? 0) > 0;
    },
    { ...STEP, pollMs: 10 },
  );
}

/** The words with which the target refuses. */
async function refusal(source: AgentHost, target: AgentHost, vm: string): Promise<string> {
  let words = "";
  const holds = async () => {
    const answer = await source.api.ask(`/v1/vms/${vm}/migrate`, { target: target.name });
    words = answer.text;
    return answer.status === 409 && words.includes(`${target.name} refused`);
  };
  await eventually(`${target.name} refuses ${vm}`, holds, { ...STEP, pollMs: 500 }).catch(
    (cause) => {
      throw new Error(words, { cause });
    },
  );
  return words;
}
