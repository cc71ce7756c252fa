import type { Prng } from "../base/prng.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { ActionReason } from "../model/action.ts";
import type { HostId } from "../model/ids.ts";
import type { ClusterDocument, InventoryRecord } from "../model/record.ts";
import type { MemberState } from "../model/verdict.ts";
import { defaultPlanningParams, type PlanningParams } from "../planning/params.ts";
import { Admission } from "./admission.ts";
import { Balancer } from "./balancer.ts";
import { Cluster } from "./cluster.ts";
import { ExchangeDesk } from "./exchange-desk.ts";
import { ExplainDesk } from "./explain-desk.ts";
import type { GuestTable } from "./guest-table.ts";
import type { MoveHistory } from "./move-history.ts";
import { Mover } from "./mover.ts";
import type { CoreSettings } from "./node-options.ts";
import type { Outbox } from "./outbox.ts";
import { ownSummary } from "./own-figures.ts";
import type { Self } from "./self.ts";
import { ServiceDesk } from "./service-desk.ts";
import { ShiftDesk } from "./shift-desk.ts";
import { Surroundings } from "./surroundings.ts";
import { VerbDesk } from "./verb-desk.ts";

/** The parts of the core that exist once the agent has started. */
export interface Parts {
  readonly cluster: Cluster;
  readonly mover: Mover;
  readonly surroundings: Surroundings;
  readonly balancer: Balancer;
  readonly admission: Admission;
  readonly explain: ExplainDesk;
  readonly desk: VerbDesk;
  readonly exchange: ExchangeDesk;
  readonly shifts: ShiftDesk;
  /** Null on a host that takes no part in services. */
  readonly services: ServiceDesk | null;
}

export interface BuildOptions {
  readonly self: Self;
  readonly outbox: Outbox;
  readonly guests: GuestTable;
  readonly ledger: Ledger;
  readonly history: MoveHistory;
  readonly prng: Prng;
  readonly incarnation: number;
  readonly nowMs: number;
  readonly inventory: (nowMs: number) => InventoryRecord["body"];
  readonly memberChanged: (host: HostId, state: MemberState | undefined, nowMs: number) => void;
  readonly documentChanged: (document: ClusterDocument) => void;
  /** Why this host must not act for this reason, in words; null when it may. */
  readonly heldBack: (reason: ActionReason, nowMs: number) => string | null;
}

/** Makes the parts and gives each what it needs of the others: the only place that knows all. */
export function buildParts(options: BuildOptions): Parts {
  const { self, outbox, guests, ledger, history, prng, nowMs } = options;
  const planning = planningParams(self.options.settings);
  const changed = (atMs: number) => cluster.touch(atMs);
  const cluster = new Cluster({
    ...options,
    describe: () => ownSummary(self, guests, ledger),
    standingChanged: (host) => services?.standingChanged(host),
  });
  const mover: Mover = new Mover({
    self,
    outbox,
    guests,
    ledger,
    history,
    planning,
    nameOf: (host): string => surroundings.nameOf(host),
    addressesOf: (host) => cluster.view.summaryOf(host)?.record.body.addresses ?? [],
    changed,
    departed: (spec, to, atMs): void => {
      surroundings.companions.sent(spec, to, atMs);
      exchange.departed(spec.name, to, atMs);
      balancer.departed(atMs);
    },
  });
  const surroundings = new Surroundings({ self, cluster, guests, moves: mover.table, ledger });
  const { heldBack } = options;
  const shared = { self, outbox, prng, guests, ledger, mover, surroundings, planning, heldBack };
  const shifts: ShiftDesk = new ShiftDesk({ ...shared, services: () => services });
  const balancer: Balancer = new Balancer(
    {
      ...shared,
      shifts,
      history,
      cluster,
      reply: (requestId, result): void => desk.reply(requestId, result),
      noMoveFits: (atMs): void => exchange.noMoveFits(atMs),
      swapRefused: (vm, reason): void => exchange.swapRefused(vm, reason),
    },
    nowMs,
  );
  const exchange: ExchangeDesk = new ExchangeDesk({
    ...shared,
    history,
    wallOffsetMs: () => self.wallOffsetMs,
    propose: (vm, target, atMs) => balancer.proposeSwap(vm, target, atMs),
    underWay: (vm) => mover.table.ofVm(vm) !== undefined || balancer.asks(vm),
    inventoryOf: (host) => cluster.view.inventoryOf(host)?.record.body.vms ?? [],
  });
  const admission = new Admission({ ...shared, swapRefusal: (vm) => exchange.swapRefusal(vm) });
  const explain = new ExplainDesk({
    self,
    surroundings,
    balancer,
    guests,
    shifts,
    cluster,
    history,
    planning,
    prng,
    heldBack: (atMs) => heldBack("imbalance", atMs),
  });
  const desk: VerbDesk = new VerbDesk({
    self,
    outbox,
    cluster,
    guests,
    mover,
    balancer,
    surroundings,
    explain,
    changed,
    heldBack,
    memberNamed: (vm) => services?.memberNamed(vm),
  });
  const services = serviceDesk(options, { cluster, desk, shifts, planning });
  const deciding = { balancer, admission, explain, exchange, shifts };
  return { cluster, mover, surroundings, desk, services, ...deciding };
}

interface ServiceNeighbours {
  readonly cluster: Cluster;
  readonly desk: VerbDesk;
  readonly shifts: ShiftDesk;
  readonly planning: PlanningParams;
}

function serviceDesk(
  { self, outbox, guests, ledger, heldBack, incarnation }: BuildOptions,
  { cluster, desk, shifts, planning }: ServiceNeighbours,
): ServiceDesk | null {
  const { services: hosting, keyed } = self.options;
  if (!hosting || !keyed) return null;
  const { memoryShareMax } = planning;
  const options = {
    self,
    hosting,
    outbox,
    cluster,
    guests,
    ledger,
    register: desk.services,
    memoryShareMax,
    heldBack: (atMs: number) => heldBack("imbalance", atMs),
    stoodIn: (service: string, atMs: number) => shifts.stoodIn(service, atMs),
  };
  return new ServiceDesk(options, incarnation);
}

function planningParams(settings: CoreSettings): PlanningParams {
  const bandwidth = settings.limits.bandwidthBytesPerSecond;
  return {
    ...defaultPlanningParams,
    gainMin: settings.gainMin,
    marginShare: settings.marginShare,
    hotShare: settings.hotShare,
    coolDownMs: settings.cooldownMs,
    memoryShareMax: settings.memoryShareMax,
    ...(bandwidth > 0 ? { linkBytesPerSecond: bandwidth } : {}),
  };
}
