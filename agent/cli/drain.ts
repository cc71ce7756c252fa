import type { MemberAnswer, MoveAnswer, StatusAnswer, VerbAnswer, VmAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import { readDurationMs } from "./read-duration.ts";
import { hostPath, printVerbAnswer } from "./simple-verb.ts";
import { countOf, formatShare } from "./units.ts";
import { type VerbContext, type VerbRunner, wordAt } from "./verb-context.ts";
import { type WatchEnd, type WatchStep, watch } from "./watch.ts";

/** States in which a VM uses nothing of its host but disk: a drain is not about them. */
const SETTLED_STATES: readonly string[] = ["stopped", "suspended", "lost"];

/** Polls in which only VMs that may not move were left, before the drain counts as stuck. */
const STUCK_POLLS_MIN = 5;

/** How many VMs a message names. */
const NAMES_SHOWN_MAX = 5;

/** `evenkeel drain HOST`: empties a host, and waits until it is empty. */
export const drain: VerbRunner = async (context, input) => {
  const name = wordAt(input, 0);
  const deadline = input.options["deadline"];
  const deadlineMs = deadline === undefined ? null : readDurationMs(String(deadline));
  const answer = await context.client.post<VerbAnswer>(hostPath(name, "drain"));
  if (input.options["wait"] === false) {
    printVerbAnswer(context, answer);
    return exitCodes.ok;
  }
  const goesOn =
    `the drain of ${name} goes on: watch it with "evenkeel status", ` +
    `end it with "evenkeel undrain ${name}"`;
  return watch(context, { poll: pollDrain(context, name), goesOn, deadlineMs });
};

function pollDrain({ client }: VerbContext, name: string): () => Promise<WatchStep> {
  let wasDraining = false;
  let stuckPolls = 0;
  return async () => {
    const { members, moves } = await client.get<StatusAnswer>("/v1/status");
    const { vms } = await client.get<{ vms: readonly VmAnswer[] }>("/v1/vms");
    const member = members.find((one) => isMeant(one, name));
    const left = vms.filter(
      (vm) => vm.hostId === member?.host && !SETTLED_STATES.includes(vm.state),
    );
    const end = member === undefined ? null : endOf({ member, left, wasDraining });
    if (end !== null) return { line: "", phase: "ended", end };
    wasDraining ||= member?.draining === true;
    stuckPolls = left.length > 0 && left.every(mayNotMove(member)) ? stuckPolls + 1 : 0;
    if (stuckPolls >= STUCK_POLLS_MIN) return stuckEnd(name, left);
    return { line: drainLine(name, left, moves), phase: String(left.length), end: null };
  };
}

function isMeant({ name, host, state }: MemberAnswer, text: string): boolean {
  return (name === text && state !== "left") || host.startsWith(text);
}

function endOf({
  member,
  left,
  wasDraining,
}: {
  member: MemberAnswer;
  left: readonly VmAnswer[];
  wasDraining: boolean;
}): WatchEnd | null {
  const { name, state, draining } = member;
  const facts = { host: name, left: left.map((vm) => vm.name) };
  if (wasDraining && !draining) {
    return { ok: false, message: `the drain of ${name} was ended by somebody else`, facts };
  }
  if (state === "dead" || state === "left") {
    return { ok: false, message: `${name} is ${state}: its drain cannot go on`, facts };
  }
  if (draining && left.length === 0) {
    return { ok: true, message: `${name} is drained: no VM runs there`, facts };
  }
  return null;
}

function mayNotMove(member: MemberAnswer | undefined): (vm: VmAnswer) => boolean {
  return ({ policy, immovable }) =>
    policy.ignore ||
    policy.managed === false ||
    immovable !== null ||
    (policy.pin !== null && policy.pin === member?.name);
}

function stuckEnd(name: string, left: readonly VmAnswer[]): WatchStep {
  const whyOf = (vm: VmAnswer) => vm.immovable ?? (vm.policy.ignore ? "ignored" : "pinned");
  const names = left.map((vm) => `${vm.name} (${whyOf(vm)})`);
  const message =
    `${name} still runs ${countOf(left.length, "VM")} that may not move: ${firstOf(names)}; ` +
    "stop, suspend or migrate by hand; the host stays draining";
  const facts = { host: name, left: left.map((vm) => vm.name) };
  return { line: "", phase: "ended", end: { ok: false, message, facts } };
}

function drainLine(name: string, left: readonly VmAnswer[], moves: readonly MoveAnswer[]): string {
  const running = moves
    .filter(({ vm }) => left.some((one) => one.name === vm))
    .map(({ vm, to, progress }) => `${vm} -> ${to} ${formatShare(progress?.share ?? null)}`);
  const head = `draining ${name}: ${countOf(left.length, "VM")} left`;
  return running.length === 0 ? head : `${head}, ${firstOf(running)}`;
}

function firstOf(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN_MAX;
  return names.slice(0, NAMES_SHOWN_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
