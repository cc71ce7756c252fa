import type { HostId } from "../model/ids.ts";
import { counts } from "./member-entry.ts";
import { stewardOf } from "./rendezvous.ts";
import { runningDigest, type ScaleProposal } from "./scale-proposal.ts";
import type { ServiceView } from "./service-view.ts";

/** What the host concerned knows better than anybody: its ledger and its own member. */
export interface OwnStanding {
  readonly draining: boolean;
  /** By the ledger: what is granted to others is taken. */
  readonly freeMemoryBytes: number;
  /** Projected demand. */
  readonly cpuCores: number;
  /** Member.restRefusal: why it should not be asked to rest now. */
  readonly restRefusal: string | null;
  /**
   * False where the view holds but a sample of the hosts (DESIGN 4): the running set is then the
   * steward's affair alone.
   */
  readonly knowsAll: boolean;
}

/**
 * Why this host does not do what a steward proposes, in words; null to grant it. A steward that is
 * outranked, or that knows an older document or another running set, looks again in a moment: it is
 * cheaper to refuse than to undo.
 */
export function refusalOf(
  proposal: ScaleProposal,
  view: ServiceView,
  own: OwnStanding,
): string | null {
  return (
    documentRefusal(proposal, view) ??
    rankRefusal(proposal, view) ??
    (proposal.change === "run" ? runRefusal(proposal, view, own) : restRefusal(view, own)) ??
    (own.knowsAll ? runningSetRefusal(proposal, view) : null)
  );
}

/** True when the two differ in what they have heard: then either may hear the rest any moment. */
export function heardOtherwise(
  proposal: ScaleProposal,
  view: ServiceView,
  { knowsAll }: Pick<OwnStanding, "knowsAll">,
): boolean {
  const differs = documentRefusal(proposal, view) ?? rankRefusal(proposal, view);
  return differs !== null || (knowsAll && !seesSameRunning(proposal, view));
}

function seesSameRunning({ changing, runningDigest: seen }: ScaleProposal, view: ServiceView) {
  const live = new Set(view.hosts.map(({ host }) => host));
  return runningDigest(view.members, live, changing) === seen;
}

function documentRefusal({ document }: ScaleProposal, view: ServiceView): string | null {
  const { version, hash } = view.document;
  if (document.version === version && document.hash === hash) return null;
  return `is at version ${version} of the document, the steward at ${document.version}`;
}

function rankRefusal({ service, steward }: ScaleProposal, { hosts }: ServiceView): string | null {
  const live = new Set([steward, ...hosts.map(({ host }) => host)]);
  const first = stewardOf(service, live);
  return first === steward ? null : `takes ${first} for the steward, not ${steward}`;
}

function runRefusal(
  { cpuCoresMax = Number.POSITIVE_INFINITY }: ScaleProposal,
  view: ServiceView,
  own: OwnStanding,
): string | null {
  const state = stateOn(view.self, view);
  if (own.draining) return "is being drained";
  if (own.cpuCores > cpuCoresMax) {
    const [asked, most] = [own.cpuCores, cpuCoresMax].map((cores) => cores.toFixed(1));
    return `is asked for ${asked} cores, and beyond ${most} the shift does not pay`;
  }
  if (state === "draining") return null;
  if (state !== "suspended") return `has a member that is ${state}, not suspended`;
  const { memoryBytes } = view.spec.template;
  if (own.freeMemoryBytes >= memoryBytes) return null;
  return `has ${mib(own.freeMemoryBytes)} MiB free, the member needs ${mib(memoryBytes)}`;
}

function restRefusal(view: ServiceView, own: OwnStanding): string | null {
  const state = stateOn(view.self, view);
  return state === "running" ? own.restRefusal : `has a member that is ${state}, not running`;
}

/** Checked in view of the members that nobody is changing; the bounds hold whatever they become. */
function runningSetRefusal(proposal: ScaleProposal, view: ServiceView): string | null {
  const { changing, change, replaces } = proposal;
  const live = new Set(view.hosts.map(({ host }) => host));
  if (!seesSameRunning(proposal, view)) {
    return "knows of other running members than the steward";
  }
  const others = view.members.filter(
    ({ state, host }) => counts(state) && live.has(host) && !changing.includes(host),
  );
  const { min, max } = view.spec.running;
  const isWell = view.members.find(({ host }) => host === view.self)?.healthy !== false;
  // One that answers nobody may rest though others fail too: that changes nothing for anybody.
  const staying = isWell ? others.filter(({ healthy }) => healthy !== false) : others;
  if (change === "rest" && staying.length < min) {
    return `knows of ${staying.length} other running members, and ${min} is the least`;
  }
  const replaced = others.some(({ host }) => host === replaces) ? 1 : 0;
  if (change === "run" && others.length - replaced >= max) {
    return `knows of ${others.length} other running members, and ${max} is the most`;
  }
  return null;
}

function stateOn(host: HostId, { members }: ServiceView): string {
  return members.find((entry) => entry.host === host)?.state ?? "absent";
}

function mib(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}
