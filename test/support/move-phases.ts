import type { MovePhase } from "#lib/simulation/move-cell.ts";
import type { AgentHost } from "./agent-host.ts";
import { advances, readCopy } from "./copy-watch.ts";
import { eventually } from "./eventually.ts";
import { countersOf, type MoveLane, phaseAt } from "./move-lane.ts";

const REACH_MS_MAX = 20_000;
/** Into the transfer, which takes more than a second. */
const MID_TRANSFER_MS = 400;
/** Long enough for the bytes in hand to leave, too short for an answer to them. */
const NUDGE_MS = 1;
/** From the telling of a phase to its message on the wire; the other end cannot answer meanwhile. */
const SEND_MS = 100;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Thrown when a move went past the phase before it could be held there; another try may hit it. */
export class MissedPhaseError extends Error {}

/** What keeps a move in its phase: an agent under SIGSTOP, or the link down, or nothing. */
export interface Hold {
  readonly stopped: AgentHost | null;
  readonly linkDown: boolean;
}

/**
 * Leads a move into a phase and holds it there:
 * - granted: the source was stopped before it read the grant.
 * - receiving: nothing is held, a transfer lasts.
 * - held: the source was stopped before it read the vote.
 * - committed: the link was cut before the commit could leave the source.
 * - running: the link was cut before the target's word could leave it.
 */
export async function holdInPhase(lane: MoveLane, vm: string, phase: MovePhase): Promise<Hold> {
  if (phase === "granted") return holdGranted(lane, vm);
  await lane.order(vm);
  await reach(`${vm} is being sent`, async () => readCopy(lane.source, vm)?.state === "sending");
  if (phase === "receiving") {
    await wait(MID_TRANSFER_MS);
    return { stopped: null, linkDown: false };
  }
  const ofSource = await PhaseNotices.of(lane.source, vm);
  const ofTarget = await PhaseNotices.of(lane.target, vm);
  try {
    await holdHeld(lane, vm, ofTarget);
    if (phase === "held") return { stopped: lane.source, linkDown: false };
    await holdDecided(lane, phase, { ofSource, ofTarget });
    return { stopped: null, linkDown: true };
  } finally {
    ofSource.stop();
    ofTarget.stop();
  }
}

/** The target gathers proposals for at least 100 ms before it grants: time to stop the source. */
async function holdGranted({ source, target }: MoveLane, vm: string): Promise<Hold> {
  const before = await countersOf(target);
  const proposed = async () => {
    const asked = source.api.ask(`/v1/vms/${vm}/migrate`, { target: target.name });
    // Its answer comes when the source goes on, or never when it is killed.
    const refused = asked.then(
      ({ status }) => status >= 300,
      () => false,
    );
    return eitherFirst(refused, async () => {
      const { proposalsReceived } = await countersOf(target);
      return proposalsReceived > before.proposalsReceived;
    });
  };
  await reach(`${vm} is proposed`, proposed, 200);
  source.pause();
  await reach(`${vm} is granted`, async () => (await countersOf(target)).grants > before.grants);
  if ((await phaseAt(target, vm)) !== "receiving") return { stopped: source, linkDown: false };
  source.goOn();
  throw new MissedPhaseError(`${vm} was begun before its source was stopped`);
}

/** True once `holds`; false when `failed` resolves to true before. */
async function eitherFirst(
  failed: Promise<boolean>,
  holds: () => Promise<boolean>,
): Promise<boolean> {
  let over = false;
  void failed.then((isFailed) => {
    over = isFailed;
  });
  while (!over) {
    if (await holds()) return true;
    await wait(5);
  }
  return false;
}

/** Stops the source once its copy stands still: the vote comes over 10 ms later. */
async function holdHeld(
  { source, target }: MoveLane,
  vm: string,
  ofTarget: PhaseNotices,
): Promise<void> {
  await reach(`${vm} stands still`, async () => !advances(readCopy(source, vm)), 1);
  source.pause();
  // It may have been stopped before the last of the memory was out.
  const nudged = async () => {
    if (readCopy(target, vm)?.state === "received") return true;
    source.goOn();
    await wait(NUDGE_MS);
    source.pause();
    return false;
  };
  await reach(`${vm} is received`, nudged, 20);
  await ofTarget.seen("held", "running");
  if (readCopy(target, vm)?.state === "received") return;
  source.goOn();
  throw new MissedPhaseError(`${vm} ran at the target before the source was stopped`);
}

/** The vote had not left the target yet: a busy machine, or a stream that was still being opened. */
const voteMissed = "no vote was on its way to the source when the target was held";

/** From `held` on: the vote waits in the source's socket, the source is stopped. */
async function holdDecided(
  { source, target, fleet }: MoveLane,
  phase: MovePhase,
  { ofSource, ofTarget }: { readonly ofSource: PhaseNotices; readonly ofTarget: PhaseNotices },
): Promise<void> {
  if (phase === "committed") {
    fleet.cut(1);
    source.goOn();
    if ((await ofSource.seen("committed", "aborted")) === "committed") return;
    fleet.heal(1);
    throw new MissedPhaseError(voteMissed);
  }
  target.pause();
  source.goOn();
  if ((await ofSource.seen("committed", "aborted")) === "aborted") {
    target.goOn();
    throw new MissedPhaseError(voteMissed);
  }
  fleet.cut(1);
  target.goOn();
  await ofTarget.seen("running");
}

/** What one agent says of the phases of a VM's move: each is told once its journal has it. */
class PhaseNotices {
  readonly #vm: string;
  readonly #phases: unknown[] = [];
  stop = (): void => undefined;

  private constructor(vm: string) {
    this.#vm = vm;
  }

  static async of(host: AgentHost, vm: string): Promise<PhaseNotices> {
    const notices = new PhaseNotices(vm);
    notices.stop = await host.api.follow(({ code, facts }) => {
      if (code === "move-phase" && facts["vm"] === vm) notices.#phases.push(facts["phase"]);
    });
    return notices;
  }

  /** Waits for one of the phases, and until the message that follows it is out; tells which. */
  async seen<Phase extends string>(...phases: readonly Phase[]): Promise<Phase> {
    const among = () => phases.find((phase) => this.#phases.includes(phase));
    await reach(`${this.#vm} is ${phases.join(" or ")}`, async () => among() !== undefined);
    await wait(SEND_MS);
    return among() as Phase;
  }
}

async function reach(what: string, holds: () => Promise<boolean>, pollMs = 5): Promise<void> {
  await eventually(what, holds, { limitMs: REACH_MS_MAX, pollMs });
}
