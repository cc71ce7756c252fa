import type { MoveId, VmName } from "#lib/model/ids.ts";
import type { DiskCopyNeed } from "#lib/model/move-needs.ts";
import type { DomainFits } from "./domain-fits.ts";
import type { DomainPolicies } from "./domain-policies.ts";
import type { DomainTable } from "./domain-table.ts";
import type { LibvirtFacts } from "./facts.ts";
import type { LibvirtSettings } from "./libvirt-options.ts";
import type { SocketPlace } from "./move-paths.ts";
import type { VirshEvents } from "./virsh-events.ts";
import type { VirshSession } from "./virsh-session.ts";
import type { VmRecords } from "./vm-record.ts";

/** What every call of the driver needs. */
export interface LibvirtParts {
  readonly settings: LibvirtSettings;
  readonly facts: LibvirtFacts;
  readonly records: VmRecords;
  readonly table: DomainTable;
  /** For questions; what is ordered must not keep a sample waiting. */
  readonly asking: VirshSession;
  readonly ordering: VirshSession;
  /** For domjobinfo alone: it may hang for as long as a migration ends. */
  readonly jobs: VirshSession;
  readonly events: VirshEvents;
  readonly fits: DomainFits;
  readonly policies: DomainPolicies;
  /** VMs that this process sends just now, or awaits. */
  readonly sending: Set<VmName>;
  readonly awaited: Set<VmName>;
  readonly admitted: Map<MoveId, AdmittedMove>;
  /** Where this host's channels listen when it is the source. */
  readonly place: SocketPlace;
}

/** What a move that was admitted here, and is not yet prepared, brings along. */
export interface AdmittedMove {
  readonly copies: readonly DiskCopyNeed[];
  readonly place: SocketPlace;
}
