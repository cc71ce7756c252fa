/** The process that a channel keeps ready for a move which may begin. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ChannelProcess } from "#agent/channel/channel-process.ts";
import { SystemClock } from "#agent/os/system-clock.ts";
import type { Clock } from "#agent/ports/clock.ts";
import { runs } from "../support/host-processes.ts";
import { loopbackChannel } from "../support/loopback-channel.ts";
import { ManualClock } from "../support/manual-clock.ts";

const [MOVE, OTHER_MOVE] = ["web-1.2.0123456789abcdef", "web-2.2.0123456789abcdef"] as const;
/** Of a hypervisor with a daemon: nothing has to wait there yet. */
const DOOR = { socketPath: "/nonexistent/memory", controlPath: "/nonexistent/daemon" };

let folder: string;
let channel: ChannelProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-channel-"));
});

afterEach(async () => {
  await channel?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function makeChannel(clock: Clock): ChannelProcess {
  const channelKey = () => new Uint8Array(32);
  channel = loopbackChannel({ channelKey, socketDirectory: folder, clock });
  return channel;
}

it("ChannelProcess takes the process that a warning started, once, and replaces one that died", async () => {
  const target = makeChannel(new SystemClock());
  target.warm();
  target.warm();
  const [warmed] = target.pids();
  expect(target.pids()).toHaveLength(1);
  await target.listen(MOVE, DOOR);
  expect(target.pids()).toEqual([warmed]);
  target.warm();
  const spare = target.pids().find((pid) => pid !== warmed) ?? Number.NaN;
  process.kill(spare, "SIGKILL");
  await expect.poll(() => target.pids(), { timeout: 10_000 }).toEqual([warmed]);
  await target.listen(OTHER_MOVE, DOOR);
  expect(target.pids()).toHaveLength(2);
});

it("ChannelProcess ends a process that was started for nothing", async () => {
  const clock = new ManualClock();
  const target = makeChannel(clock);
  target.warm();
  const [spare = Number.NaN] = target.pids();
  expect(runs(spare)).toBe(true);
  clock.advance(60_000);
  await expect.poll(() => runs(spare), { timeout: 10_000 }).toBe(false);
  target.warm();
  const [other = Number.NaN] = target.pids();
  await target.stop();
  expect(runs(other)).toBe(false);
  target.warm();
  expect(target.pids()).toEqual([]);
});
