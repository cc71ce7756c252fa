import type { Snapshot } from "#lib/core/snapshot.ts";
import type { Verb } from "#lib/model/verb.ts";

/** What a handler may know of a request: nothing but these plain values. */
export interface RouteRequest {
  /** The variable part of the path, decoded; empty where there is none. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** The body as text; empty for GET. */
  readonly body: string;
}

/** Turns a request into the verb for the core; throws ApiError on anything that does not fit. */
export type VerbMaker = (snapshot: Snapshot, request: RouteRequest) => Verb;

/**
 * - read: a pure function of the snapshot, answered as JSON.
 * - ask: a verb that changes nothing; the core has to be asked for its answer.
 * - verb: a verb that changes something: recorded, and refused on the read socket.
 */
export type Route =
  | {
      readonly kind: "read";
      readonly render: (snapshot: Snapshot, request: RouteRequest) => unknown;
    }
  | {
      readonly kind: "ask";
      readonly verb: VerbMaker;
      /** Turns the data of the core's answer into what is sent. */
      readonly render: (snapshot: Snapshot, data: unknown) => unknown;
    }
  | { readonly kind: "verb"; readonly verb: VerbMaker }
  | { readonly kind: "metrics" }
  | { readonly kind: "events" };
