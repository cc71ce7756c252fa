import type { HostId } from "../model/ids.ts";
import type { MemberNews, SwitchNews } from "../model/member-news.ts";
import type { HostServiceNews } from "./news-by-service.ts";
import type { ServiceSight } from "./service-sight.ts";
import type { StewardWord } from "./steward-words.ts";

/** What one other host is to be told, without the standing that goes along. */
export interface ReportDraft {
  readonly members: MemberNews[];
  readonly switch: SwitchNews[];
  readonly mayStage: readonly string[];
  readonly mayGo: readonly string[];
}

export interface ReportParts {
  readonly own: HostServiceNews;
  readonly words: ReadonlyMap<HostId, StewardWord>;
  /** False for a service that no switch serves. */
  readonly hasBackend: (service: string) => boolean;
}

/**
 * Whom this host's news of services concerns: of a member its service's steward and every switch; of
 * what its switch shows the steward, and the hosts whose members drain. One report a host.
 */
export function draftReports(
  sight: ServiceSight,
  { own, words, hasBackend }: ReportParts,
): Map<HostId, ReportDraft> {
  const drafts = new Map<HostId, ReportDraft>();
  const draftTo = (host: HostId): ReportDraft => {
    const word = words.get(host) ?? { mayStage: [], mayGo: [] };
    const draft = drafts.get(host) ?? { members: [], switch: [], ...word };
    drafts.set(host, draft);
    return draft;
  };
  for (const host of words.keys()) draftTo(host);
  for (const news of own.members) addMember(news, hasBackend(news.service), { sight, draftTo });
  for (const news of own.switch ?? []) addSwitch(news, { sight, draftTo });
  drafts.delete(sight.self);
  return drafts;
}

interface Drafting {
  readonly sight: ServiceSight;
  readonly draftTo: (host: HostId) => ReportDraft;
}

function addMember(news: MemberNews, atSwitches: boolean, { sight, draftTo }: Drafting): void {
  if (news.state === "absent" && !news.waiting && news.obstacle === "") return;
  const readers = new Set(atSwitches ? sight.hosts.switches : []);
  const steward = sight.stewardOf(news.service);
  if (steward !== undefined) readers.add(steward);
  for (const host of readers) draftTo(host).members.push(news);
}

function addSwitch(news: SwitchNews, { sight, draftTo }: Drafting): void {
  const steward = sight.stewardOf(news.service);
  if (steward !== undefined) draftTo(steward).switch.push(news);
  for (const member of news.members) {
    if (member.drainMark === null || member.host === steward) continue;
    draftTo(member.host).switch.push({ ...news, members: [member] });
  }
}
