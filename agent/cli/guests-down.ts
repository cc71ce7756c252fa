import {
  type EndingState,
  endingIsOver,
  shutdownMs,
  type VmEnding,
} from "#lib/model/host-shutdown.ts";
import type { ShutdownAnswer, VerbAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import { readDurationMs } from "./read-duration.ts";
import { printJson, type VerbContext, type VerbRunner } from "./verb-context.ts";

const POLL_MS = 300;
/** Beyond the deadline: what was begun at the last moment. */
const GRACE_MS = 15_000;

const WORDS: Readonly<Record<EndingState, string>> = {
  waiting: "still runs",
  leaving: "still runs, and was to move",
  ending: "is still being ended",
  off: "is off",
  suspended: "is suspended",
  moved: "runs on another host",
  left: "is left to end by itself",
  failed: "could not be ended",
};

/** `evenkeel guests down`: what becomes of this host's guests as the host shuts down; a line each. */
export const guestsDown: VerbRunner = async (context, { options }) => {
  const { io, client, json } = context;
  if (options["whenStopping"] === true && io.systemState() !== "stopping") {
    if (json) printJson(context, { shutdown: null });
    else io.out("the machine does not shut down: its guests are left as they are");
    return exitCodes.ok;
  }
  const given = options["deadline"];
  const deadlineMs = given === undefined ? shutdownMs.default : readDurationMs(String(given));
  await client.post<VerbAnswer>("/v1/shutdown", { deadlineMs });
  const vms = await untilDone(context, io.nowMs() + deadlineMs + GRACE_MS);
  if (json) printJson(context, { shutdown: { vms } });
  const isClean = vms.every(({ state }) => endingIsOver(state) && state !== "failed");
  return isClean ? exitCodes.ok : exitCodes.failed;
};

async function untilDone(context: VerbContext, endMs: number): Promise<readonly VmEnding[]> {
  const { io, client } = context;
  const told = new Set<string>();
  for (;;) {
    const { shutdown } = await client.get<ShutdownAnswer>("/v1/shutdown");
    const vms = shutdown?.vms ?? [];
    const isLast = shutdown === null || shutdown.isDone || io.nowMs() >= endMs;
    for (const ending of vms) {
      if (told.has(ending.vm) || !(isLast || endingIsOver(ending.state))) continue;
      told.add(ending.vm);
      if (!context.json) io.out(lineOf(ending));
    }
    if (isLast) return vms;
    await io.wait(POLL_MS);
  }
}

function lineOf({ vm, state, detail }: VmEnding): string {
  return `${vm} ${WORDS[state]}${detail === "" ? "" : ` (${detail})`}`;
}
