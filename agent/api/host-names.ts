import type { MemberView, Snapshot } from "#lib/core/snapshot.ts";
import { type HostId, isHostId } from "#lib/model/ids.ts";
import { ApiError, BadRequestError } from "./api-error.ts";

/** Shorter prefixes of an id are taken for typing errors. */
const PREFIX_LENGTH_MIN = 6;

/** How many known names a refusal lists. */
const NAMES_SHOWN_MAX = 20;

/** The display name of a host, or the start of its id when it is not known here. */
export function hostNameOf(snapshot: Snapshot, host: HostId): string {
  return snapshot.members.find((member) => member.host === host)?.name ?? host.slice(0, 12);
}

/**
 * The host that a person means: by id, by display name or own name, or by the start of an id. Of
 * several with one name the living one is meant. Throws ApiError: NOT_FOUND lists the known names,
 * BAD_REQUEST the ambiguous ones.
 */
export function resolveHost(snapshot: Snapshot, text: string): HostId {
  const found = membersMeant(snapshot.members, text);
  const living = found.filter(({ state }) => state === "alive" || state === "suspect");
  const meant = living.length > 0 ? living : found;
  if (meant.length === 1 && meant[0] !== undefined) return meant[0].host;
  if (meant.length > 1) {
    const names = meant.map((member) => `${member.name} (${member.host})`);
    throw new BadRequestError(`"${text}" could be ${listNames(names)}: give the id`);
  }
  const names = snapshot.members.map((member) => member.name);
  throw new ApiError("NOT_FOUND", `no host "${text}"; known are ${listNames(names)}`);
}

function membersMeant(members: readonly MemberView[], text: string): readonly MemberView[] {
  const byId = members.filter((member) => member.host === text);
  if (byId.length > 0) return byId;
  const byName = members.filter(({ name, summary }) => name === text || summary?.name === text);
  if (byName.length > 0 || text.length < PREFIX_LENGTH_MIN || !isHostId(text)) return byName;
  return members.filter((member) => member.host.startsWith(text));
}

function listNames(names: readonly string[]): string {
  const shown = [...names].sort().slice(0, NAMES_SHOWN_MAX);
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}
