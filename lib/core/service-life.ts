import { sortedBy } from "../base/ordered.ts";
import type { HostId } from "../model/ids.ts";
import type { ServiceDesk } from "./service-desk.ts";
import type { ServiceSight } from "./service-sight.ts";
import type { ServiceLife, ServiceMemberView } from "./snapshot.ts";

/** What becomes of a service, for a reader. */
export function serviceLife(
  service: string,
  {
    sight,
    services,
    nameOf,
  }: {
    readonly sight: ServiceSight;
    readonly services: Pick<ServiceDesk, "stewards">;
    readonly nameOf: (host: HostId) => string;
  },
): ServiceLife {
  const sessionsOf = new Map(sight.membersOf(service).map((one) => [one.host, one.sessions]));
  const members = sight.seenMembers(service).map(({ at, news }): ServiceMemberView => {
    const { state, outdated, obstacle, cpuShare, diskBytes } = news;
    const healthy = news.healthy !== false;
    const { host, state: hostState } = at;
    const sessions = sessionsOf.get(host) ?? null;
    const hostName = nameOf(host);
    const facts = { state, outdated, healthy, obstacle, cpuShare, sessions, diskBytes };
    return { host, hostName, hostState, ...facts };
  });
  const switches = sight.switchesOf(service).map(({ host, news }) => {
    return { host, hostName: nameOf(host), queued: news.queued, problem: news.problem };
  });
  const steward = sight.stewardOf(service);
  const refusal = services.stewards.lastRefusal(service);
  return {
    members: sortedBy(members, ({ hostName }) => hostName),
    switches: sortedBy(switches, ({ hostName }) => hostName),
    steward: steward === undefined ? null : nameOf(steward),
    lastRefusal: refusal ? `${nameOf(refusal.host)} ${refusal.reason}` : "",
  };
}
