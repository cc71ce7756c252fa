import type { BackendView, SwitchCommand } from "#lib/model/switch.ts";

/**
 * What spreads a service's requests over its members. Every call rejects with SwitchError, whose
 * one line names the switch, the backend, the server and the remedy. Nothing is kept between two
 * calls: a switch that was restarted simply shows no servers. All implementations pass
 * test/support/switch-contract.ts.
 */
export interface Switch {
  /** For people: where the switch is reached. */
  readonly place: string;
  /** The backends asked for, in that order; one that the switch lacks has `exists: false`. */
  observe(backends: readonly string[], signal: AbortSignal): Promise<readonly BackendView[]>;
  /** The backends that have a server of a name that agents give (isOwnServer), in name order. */
  ownBackends(signal: AbortSignal): Promise<readonly string[]>;
  /** Makes one change; resolves when the switch has confirmed it. */
  perform(command: SwitchCommand, signal: AbortSignal): Promise<void>;
}
