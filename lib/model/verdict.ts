import type { HostId } from "./ids.ts";

export type MemberState = "alive" | "suspect" | "dead" | "left";

/**
 * One member's word that another is suspect or dead at an incarnation (SWIM, section 4.2). It is a
 * claim about reachability and never decides what happens to a copy of a VM.
 */
export interface Verdict {
  readonly host: HostId;
  readonly incarnation: number;
  readonly state: "suspect" | "dead";
  readonly by: HostId;
}
