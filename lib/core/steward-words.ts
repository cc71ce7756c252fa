import type { HostId } from "../model/ids.ts";
import type { ServiceSpec } from "../model/service.ts";
import { defaultServiceParams } from "../services/params.ts";
import { keepsMember, stagingTurns } from "../services/staging.ts";
import type { ServiceSight } from "./service-sight.ts";

/** What a steward tells a host of its members: which may be staged now, which may be removed. */
export interface StewardWord {
  readonly mayStage: string[];
  readonly mayGo: string[];
}

/**
 * Whose turn it is, in a large cluster: nobody there knows all members, so that the steward of each
 * service says what its members' hosts find out by themselves in a small one.
 */
export function stewardWords(
  stewarded: readonly ServiceSpec[],
  sight: ServiceSight,
): Map<HostId, StewardWord> {
  const words = new Map<HostId, StewardWord>();
  const wordTo = (host: HostId) => {
    const word = words.get(host) ?? { mayStage: [], mayGo: [] };
    words.set(host, word);
    return word;
  };
  const isLive = ({ host }: { readonly host: HostId }) => sight.hosts.stateOf(host) === "live";
  const members = stewarded.flatMap(({ name }) => sight.membersOf(name).filter(isLive));
  for (const { host, service } of stagingTurns(members, defaultServiceParams)) {
    wordTo(host).mayStage.push(service);
  }
  for (const spec of stewarded) {
    const all = sight.membersOf(spec.name);
    const chosen = sight.chosenHosts(spec);
    for (const { host } of all) {
      if (chosen.includes(host)) continue;
      if (!keepsMember(spec, { self: host, hosts: [...chosen, host], members: all })) {
        wordTo(host).mayGo.push(spec.name);
      }
    }
  }
  return words;
}
