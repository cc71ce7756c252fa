import type { Cluster } from "#lib/core/cluster.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { MemberState } from "#lib/model/verdict.ts";
import { summaryRecord } from "./view-records.ts";

export interface LargePeer {
  state: MemberState;
  /** Left out by a host that does nothing for services. */
  readonly services?: "members" | "switch";
}

/** What services ask of a cluster that holds more hosts than everybody knows of, with these in it. */
export function largeCluster(peers: Readonly<Record<HostId, LargePeer>>): Cluster {
  const hosts = Object.entries(peers);
  return {
    incarnation: 4,
    membership: {
      stateOf: (host: HostId) => peers[host]?.state,
      isRestarting: () => false,
    },
    view: {
      isLarge: true,
      isGrowing: false,
      hosts: () => hosts.map(([host]) => host),
      summaryOf: (host: HostId) => {
        const record = summaryRecord(host, 1);
        const { services } = peers[host] ?? {};
        return { record: { ...record, body: { ...record.body, ...(services && { services }) } } };
      },
      inventoryOf: () => undefined,
    },
  } as unknown as Cluster;
}
