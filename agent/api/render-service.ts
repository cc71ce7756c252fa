import type { ServiceMemberView, ServiceView, Snapshot } from "#lib/core/snapshot.ts";
import { ApiError } from "./api-error.ts";
import { roundedShare } from "./rounded-share.ts";
import type { RouteRequest } from "./route.ts";
import { serviceFileOf } from "./service-file.ts";

/** A service as `GET /v1/services` shows it: `author` is the display name of who wrote the version. */
export function renderService(service: ServiceView) {
  return {
    name: service.name,
    state: service.state,
    version: service.version,
    author: service.authorName,
    authorId: service.author,
    problem: service.problem,
    spec: service.spec,
    /** Display name of the host that proposes its changes now. */
    steward: service.life?.steward ?? null,
    lastRefusal: service.life?.lastRefusal ?? "",
    switches: (service.life?.switches ?? []).map(({ host, hostName, queued, problem }) => {
      return { host: hostName, hostId: host, queued, problem };
    }),
    members: (service.life?.members ?? []).map(renderServiceMember),
  };
}

function renderServiceMember(member: ServiceMemberView) {
  return {
    host: member.hostName,
    hostId: member.host,
    hostState: member.hostState,
    state: member.state,
    outdated: member.outdated,
    healthy: member.healthy,
    obstacle: member.obstacle,
    cpuShare: roundedShare(member.cpuShare ?? undefined, 1),
    sessions: member.sessions,
    diskBytes: member.diskBytes,
  };
}

/** Throws ApiError NOT_FOUND for a service that nobody declared, or that was deleted. */
export function renderOneService({ services, mode }: Snapshot, { name }: RouteRequest) {
  const service = services.find((one) => one.name === name);
  if (service === undefined) {
    throw new ApiError("NOT_FOUND", `no service "${name}": see /v1/services`);
  }
  if (service.state === "deleted") {
    const { version, authorName } = service;
    const message = `no service "${name}": ${authorName} deleted it (version ${version})`;
    throw new ApiError("NOT_FOUND", message);
  }
  return {
    mode,
    service: renderService(service),
    /** What `POST /v1/services` takes again; null for one that cannot be read. */
    file: service.spec && serviceFileOf(service.spec),
  };
}
