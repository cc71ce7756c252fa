/**
 * The disk of a host is full when its member is to be suspended: the member serves on, every host
 * says why, and once there is room again it is suspended.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { AgentHost } from "../support/agent-host.ts";
import { eventually } from "../support/eventually.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";
import { ServiceRig } from "../support/service-rig.ts";

/** Room for one member's memory and saved devices; the rest is for the ballast. */
const DISK_MIB = 104;
const SAID_MS_MAX = 30_000;
/** A member tries again after 2 s, 4 s, 8 s … */
const SUSPENDED_MS_MAX = 60_000;
const REQUESTS_PER_SECOND = 20;

const enabled = canMakeNamespaces();
let rig: ServiceRig;

beforeAll(async () => {
  if (!enabled) return;
  const prepare = ({ hosts }: ServiceRig["fleet"]) => {
    for (const host of hosts) {
      const folder = guestsFolder(host);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      // The guard of the fleet unmounts it.
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}M`, "tmpfs", folder]);
    }
  };
  rig = await ServiceRig.make({ service: { running: { min: 2, max: 3 } }, prepare });
});
afterEach(({ task }) => rig?.review(task.result?.state === "fail"));
afterAll(() => rig?.close());

function guestsFolder(host: AgentHost): string {
  return join(host.stateDirectory, "guests");
}

/** Takes all the room that is left; resolves to the file that does. */
function fill(host: AgentHost): string {
  const path = join(guestsFolder(host), "ballast");
  try {
    execFileSync("dd", ["if=/dev/zero", `of=${path}`, "bs=4k"], { stdio: "ignore" });
  } catch {
    // Ends when the disk is full, as it should.
  }
  return path;
}

it.skipIf(!enabled)("a member that a full disk keeps from being suspended serves on", async () => {
  const full = rig.running().map((name) => rig.named(name));
  expect(full).toHaveLength(2);
  const pids = full.map((host) => host.guests()[0]?.pid);
  const ballast = full.map(fill);
  const load = rig.load(1, REQUESTS_PER_SECOND);
  await rig.scale({ min: 1, max: 1 });
  const saidMs = await eventually(
    "every host says why nobody was suspended",
    async () => {
      const shown = await Promise.all(rig.hosts.map((host) => rig.members(host)));
      return shown.every((members) =>
        members.some(({ obstacle }) => /runs on.*no space.*free space in/i.test(obstacle)),
      );
    },
    { limitMs: SAID_MS_MAX },
  );
  await rig.settled("running running suspended");
  expect(full.map((host) => host.guests()[0]?.pid)).toEqual(pids);
  for (const path of ballast) rmSync(path);
  const suspendedMs = await rig.settled("running suspended suspended", rig.hosts, SUSPENDED_MS_MAX);
  await load.stop();
  const [said, suspended] = [Math.round(saidMs), Math.round(suspendedMs)];
  console.info(`disk full: said after ${said} ms, suspended ${suspended} ms after there was room`);
  console.info(`disk full: ${load.words}`);
  expect(load.lost).toEqual([]);
  // One that runs on keeps its word until it is tried again.
  const members = await rig.members(rig.fleet.host(1));
  const ofSuspended = members.filter(({ state }) => state === "suspended");
  expect(ofSuspended.map(({ obstacle }) => obstacle)).toEqual(["", ""]);
});
