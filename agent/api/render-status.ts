import { populationSd } from "#lib/base/stats.ts";
import type { Snapshot } from "#lib/core/snapshot.ts";
import { renderMember } from "./render-member.ts";
import { renderCandidate, renderHistory, renderMove } from "./render-move.ts";

/** How many ended moves the one-screen picture shows. */
const LAST_MOVES_MAX = 5;

/** The whole picture on one screen, as `GET /v1/status` gives it. */
export function renderStatus(snapshot: Snapshot) {
  const members = snapshot.members.map(renderMember);
  return {
    name: snapshot.name,
    host: snapshot.self,
    agentVersion: members.find((member) => member.self)?.agentVersion ?? null,
    keyed: snapshot.keyed,
    mode: snapshot.mode,
    draining: snapshot.draining,
    incarnation: snapshot.incarnation,
    uptimeMs: snapshot.uptimeMs,
    memberCounts: countStates(snapshot.members),
    vmCounts: countStates(snapshot.vms),
    spread: spreadOf(snapshot),
    members,
    moves: snapshot.moves.map((move) => renderMove(snapshot, move)),
    plan: {
      reason: snapshot.plan.reason,
      moves: snapshot.plan.moves.map((move) => renderCandidate(snapshot, move)),
    },
    alarms: snapshot.alarms,
    lastMoves: renderHistory(snapshot).slice(0, LAST_MOVES_MAX),
    counters: snapshot.counters,
  };
}

/** Standard deviation of the projected shares of the living; null below two of them. */
export function spreadOf(snapshot: Snapshot): { cpuSd: number | null; memorySd: number | null } {
  const living = snapshot.members.filter((member) => member.state === "alive").map(renderMember);
  return {
    cpuSd: sdOf(living.map((member) => member.cpuShare)),
    memorySd: sdOf(living.map((member) => member.memoryShare)),
  };
}

/** How many there are in each state. */
export function countStates<State extends string>(
  list: readonly { readonly state: State }[],
): Partial<Record<State, number>> {
  const counts: Partial<Record<State, number>> = {};
  for (const { state } of list) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function sdOf(shares: readonly (number | null)[]): number | null {
  const known = shares.filter((share) => share !== null);
  if (known.length < 2) return null;
  return Math.round(populationSd(known) * 1e4) / 1e4;
}
