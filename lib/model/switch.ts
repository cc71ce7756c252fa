import type { VmName } from "./ids.ts";

/** `ready` takes requests; `drain` finishes those it has; `maint` takes none at all. */
export type ServerState = "ready" | "drain" | "maint";

/** One server of a backend, as the switch shows it. */
export interface SwitchServer {
  readonly name: string;
  /** IPv4 or IPv6; null while the switch knows a name without an address. */
  readonly address: string | null;
  readonly port: number;
  readonly state: ServerState;
  /** 0 to 256; a share of the requests, relative to the other servers' weights. */
  readonly weight: number;
  /** Sessions at a time that it gets at most, the others wait at the switch; null for no limit. */
  readonly connectionsMax: number | null;
  /** Sessions that it serves now. */
  readonly sessions: number;
  /** Sessions that wait for this server alone. */
  readonly queued: number;
}

/** One backend of the switch, as it was seen. */
export interface BackendView {
  readonly backend: string;
  /** False when the switch has no backend of this name; then there is nothing in it. */
  readonly exists: boolean;
  /** Requests that wait because no server has room, those that wait for one server included. */
  readonly queued: number;
  /** In name order. */
  readonly servers: readonly SwitchServer[];
}

/** One change at the switch. A server is added in `maint`; only one in `maint` may be removed. */
export type SwitchCommand = { readonly backend: string; readonly server: string } & (
  | {
      readonly act: "add";
      readonly address: string;
      readonly port: number;
      readonly weight: number;
      readonly connectionsMax: number | null;
    }
  | { readonly act: "address"; readonly address: string; readonly port: number }
  | { readonly act: "weight"; readonly weight: number }
  /** Those that wait are let through at once when there is more room. */
  | { readonly act: "connections"; readonly connectionsMax: number | null }
  | { readonly act: ServerState | "remove" }
);

/** A member as the service wants it at the switch. */
export interface WantedServer {
  readonly member: VmName;
  /** IPv4 or IPv6, no name: the switch must not depend on a resolver. */
  readonly address: string;
  readonly port: number;
  readonly state: ServerState;
  /** 1 to `switchLimits.weightMax`. */
  readonly weight: number;
  /** 1 to `switchLimits.connectionsMax`; null for no limit. */
  readonly connectionsMax: number | null;
}

/** All that a service wants of its backend; no two members of one name. */
export interface WantedBackend {
  readonly backend: string;
  readonly servers: readonly WantedServer[];
}

/** What becomes of servers of ours that nobody wants, as a service leaves that was deleted meanwhile. */
export interface Leftovers {
  /** Services whose servers stay as they are: what they should be is not known. */
  readonly left: readonly string[];
  /**
   * Services whose servers go from backends that nobody names; null for all but those that are left.
   * From a backend that is named all go that are not wanted there.
   */
  readonly cleared: readonly string[] | null;
}

/** Bounds of what a switch is asked and of what is believed of its answers. */
export const switchLimits = {
  /** HAProxy's own. */
  weightMax: 256,
  /** Of one server; more than any one guest serves. */
  connectionsMax: 100_000,
  backendNameLengthMax: 64,
  serverNameLengthMax: 128,
  /** Servers of one backend; services have 1024 members at most. */
  serversMax: 4096,
} as const;
