import type { HostSummary } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { InventoryRecord } from "../model/record.ts";
import type { VmEntry } from "../model/vm.ts";
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
  #lastInventory: { incarnation: number; body: InventoryRecord["body"] } | undefined;

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
    const last = this.#lastInventory;
    if (last?.incarnation === incarnation && !isWorthTelling(body, last.body)) return;
    this.#lastInventory = { incarnation, body };
    view.publishOwn({ ...version, kind: "inventory", body }, nowMs);
  }
}

type Body = InventoryRecord["body"];

/** True when more than the loads changed, or those by more than a step. */
function isWorthTelling(now: Body, told: Body): boolean {
  if (now.vms.length !== told.vms.length || now.outcomes.length !== told.outcomes.length) {
    return true;
  }
  if (isNewsOfServices(now, told)) return true;
  return (
    now.vms.some((vm, index) => isChanged(vm, told.vms[index])) ||
    now.outcomes.some(({ moveId }, index) => moveId !== told.outcomes[index]?.moveId)
  );
}

/** Members in steps of a twentieth of their CPU; switches by all that they show. */
function isNewsOfServices(now: Body, told: Body): boolean {
  if (now.members === undefined) return false;
  const stepped = ({ members = [] }: Body) =>
    members.map((one) => ({ ...one, cpuShare: Math.round((one.cpuShare ?? -1) * 20) }));
  return (
    JSON.stringify(stepped(now)) !== JSON.stringify(stepped(told)) ||
    JSON.stringify(now.switch) !== JSON.stringify(told.switch)
  );
}

function isChanged(now: VmEntry, told: VmEntry | undefined): boolean {
  if (!told) return true;
  const { load: _now, policy, ...facts } = now;
  for (const key of Object.keys(facts) as (keyof typeof facts)[]) {
    if (now[key] !== told[key]) return true;
  }
  if (policy !== told.policy && JSON.stringify(policy) !== JSON.stringify(told.policy)) return true;
  return stepsOf(now.load) !== stepsOf(told.load);
}

/** A load in steps of a twentieth of a core, 32 MiB and 5 MB/s: smaller changes are noise. */
function stepsOf(load: VmLoad | null): string {
  if (load === null) return "";
  const steps = [load.cpuCores * 20, load.residentBytes / 2 ** 25];
  return [...steps, (load.networkBytesPerSecond ?? 0) / 5e6].map(Math.round).join(" ");
}
