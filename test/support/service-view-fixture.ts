import type { ServiceSpec } from "#lib/model/service.ts";
import type { MemberEntry } from "#lib/services/member-entry.ts";
import type { HostStanding, ServiceView } from "#lib/services/service-view.ts";
import { memberEntry, serviceSpec } from "./service-fixture.ts";

const GIB = 2 ** 30;

/** A live host that is half used, and its member of "web". */
export interface ViewedHost extends Partial<HostStanding>, Partial<MemberEntry> {
  readonly host: string;
}

/** What the first of the hosts sees; each has a suspended member, unless told otherwise. */
export function viewOf(
  hosts: readonly ViewedHost[],
  changes: { spec?: Partial<ServiceSpec>; self?: string; queued?: number } = {},
): ServiceView {
  return {
    spec: serviceSpec(changes.spec),
    document: { version: 3, hash: "cc" },
    self: changes.self ?? hosts[0]?.host ?? "",
    hosts: hosts.map(({ host, draining, utilisation, freeMemoryBytes }) => ({
      host,
      draining: draining ?? false,
      utilisation: utilisation ?? 0.5,
      freeMemoryBytes: freeMemoryBytes ?? GIB,
    })),
    members: hosts.map(({ draining, utilisation, freeMemoryBytes, host, ...entry }) =>
      memberEntry(host, entry),
    ),
    queued: changes.queued ?? 0,
  };
}
