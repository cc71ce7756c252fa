import type { Ledger } from "../ledger/ledger.ts";
import { type HostFigures, utilisationOf } from "../planning/host-figures.ts";
import type { HostStanding } from "../services/service-view.ts";
import type { GuestTable } from "./guest-table.ts";
import { ownFigures } from "./own-figures.ts";
import type { Self } from "./self.ts";

/** What services must know of a host, from its figures. */
export function standingOf(figures: HostFigures, memoryShareMax: number): HostStanding {
  const { cpu, memory } = utilisationOf(figures);
  const usable = figures.memoryCapacityBytes * memoryShareMax;
  return {
    host: figures.host,
    draining: figures.draining,
    utilisation: Math.max(cpu, memory),
    freeMemoryBytes: Math.max(0, usable - figures.memoryBytes),
  };
}

/** The same of this host, by the ledger: what is granted to others is taken. */
export function ownStanding({
  self,
  guests,
  ledger,
  memoryShareMax,
}: {
  readonly self: Self;
  readonly guests: GuestTable;
  readonly ledger: Ledger;
  readonly memoryShareMax: number;
}): HostStanding {
  return standingOf(ownFigures(self, guests, ledger), memoryShareMax);
}
