import type { HostSummary } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";
import type { InventoryRecord } from "../model/record.ts";
import type { View } from "../view/view.ts";

export interface OwnRecordsOptions {
  readonly host: HostId;
  /** In the open no VM is named to anybody. */
  readonly keyed: boolean;
  readonly view: View;
  readonly describe: () => HostSummary;
  readonly inventory: (nowMs: number) => InventoryRecord["body"];
}

/** Writes this host's own records into the view, from where gossip takes them. */
export class OwnRecords {
  readonly #options: OwnRecordsOptions;
  #seq = 0;
  #lastInventory = "";

  constructor(options: OwnRecordsOptions) {
    this.#options = options;
  }

  /** Never falls within an incarnation; a new life has a new incarnation. */
  get seq(): number {
    return this.#seq;
  }

  /** A new summary, and a new inventory if more than noise has changed. */
  publish(incarnation: number, nowMs: number): void {
    const { host, keyed, view, describe, inventory } = this.#options;
    this.#seq += 1;
    const version = { host, incarnation, seq: this.#seq };
    view.publishOwn({ ...version, kind: "summary", body: describe() }, nowMs);
    if (!keyed) return;
    const body = inventory(nowMs);
    const digest = `${incarnation} ${inventoryDigest(body)}`;
    if (digest === this.#lastInventory) return;
    this.#lastInventory = digest;
    view.publishOwn({ ...version, kind: "inventory", body }, nowMs);
  }
}

/** What of an inventory is worth a new record: all but small changes of load. */
function inventoryDigest(body: InventoryRecord["body"]): string {
  const vms = body.vms.map(({ load, ...rest }) => [
    rest,
    load === null ? null : Math.round(load.cpuCores * 20),
    load === null ? null : Math.round(load.residentBytes / 2 ** 25),
  ]);
  return JSON.stringify([vms, body.outcomes.map((outcome) => outcome.moveId)]);
}
