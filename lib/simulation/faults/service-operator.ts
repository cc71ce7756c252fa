import type { Prng } from "../../base/prng.ts";
import type { HostId } from "../../model/ids.ts";
import type { ServiceSpec } from "../../model/service.ts";
import type { Verb } from "../../model/verb.ts";
import { memberNameOf } from "../../services/member-name.ts";
import type { CheckedWorld } from "../checked-world.ts";
import type { ServiceDemand } from "../service-demand.ts";
import { FaultTally } from "./fault-tally.ts";

/** At most so many in one run, of each. */
const verbsMax = 8;
const changesMax = 12;
const hangsMax = 4;
/** A guest's service that hangs goes on after this at the latest, if nobody has replaced it, ms. */
const hungMsMax = 60_000;
const templateMemoryBytes = 2 ** 20;

export interface ServiceOperatorOptions {
  readonly world: CheckedWorld;
  readonly prng: Prng;
  readonly specs: readonly ServiceSpec[];
  readonly demand: ServiceDemand;
  /** Nothing begins later than this from now, ms. */
  readonly lastMs: number;
}

/**
 * What befalls the services of a random run besides its faults: an operator applies, scales and
 * deletes them on any host, their demand comes and goes, and members hang while their guests run.
 */
export class ServiceOperator {
  readonly #options: ServiceOperatorOptions;
  readonly #tally = new FaultTally();
  readonly #hung: { readonly host: HostId; readonly vm: string }[] = [];
  #over = false;

  constructor(options: ServiceOperatorOptions) {
    this.#options = options;
    const { world, prng, lastMs } = options;
    const often = (max: number, act: () => void) => {
      for (let count = prng.nextInt(max + 1); count > 0; count -= 1) {
        world.clock.after(prng.nextShare() * lastMs, () => {
          if (!this.#over) act();
        });
      }
    };
    // Half of them are there from the start, and all of them are declared at some time.
    for (const spec of options.specs) {
      const atMs = prng.nextShare() < 0.5 ? 0 : prng.nextShare() * 0.5 * lastMs;
      world.clock.after(atMs, () => this.#apply(spec));
      this.#changeDemand(spec);
    }
    often(verbsMax, () => this.#verb());
    often(changesMax, () => this.#changeDemand(this.#anySpec()));
    often(hangsMax, () => this.#hang());
  }

  /** From now on nothing more changes, and what hangs goes on. */
  end(): void {
    this.#over = true;
    for (const { host, vm } of this.#hung) this.#options.world.machine(host).host.hang(vm, false);
  }

  counts(): Readonly<Record<string, number>> {
    return this.#tally.counts();
  }

  #anySpec(): ServiceSpec | undefined {
    return this.#options.prng.pick(this.#options.specs);
  }

  #verb(): void {
    const { prng } = this.#options;
    const spec = this.#anySpec();
    if (!spec) return;
    const service = spec.name;
    const min = prng.nextInt(4);
    const verbs: readonly (() => void)[] = [
      () => this.#ask({ verb: "serviceScale", service, min, max: min + prng.nextInt(3) || 1 }),
      () => this.#ask({ verb: "serviceScale", service, min, max: null }),
      () => this.#ask({ verb: "serviceDelete", service }),
      () => this.#apply(spec),
      () => this.#apply(this.#renewed(spec)),
    ];
    prng.pick(verbs)?.();
  }

  /** Another template: every member is staged anew. */
  #renewed(spec: ServiceSpec): ServiceSpec {
    const memoryBytes = (8 + this.#options.prng.nextInt(16)) * templateMemoryBytes;
    return { ...spec, template: { ...spec.template, memoryBytes } };
  }

  #apply(spec: ServiceSpec): void {
    this.#ask({ verb: "serviceApply", spec });
  }

  #ask(verb: Verb): void {
    const { world, prng } = this.#options;
    const up = world.hosts.filter((host) => world.agent(host)?.paused === false);
    const host = prng.pick(up);
    if (!host) return;
    this.#tally.add(`verb ${verb.verb}`);
    world.ask(host, verb);
  }

  #changeDemand(spec: ServiceSpec | undefined): void {
    const { prng, demand } = this.#options;
    if (!spec) return;
    demand.set(spec.name, { cpuCores: 0.6 * prng.nextShare(), sessions: prng.nextInt(40) });
  }

  #hang(): void {
    const { world, prng } = this.#options;
    const service = this.#anySpec()?.name ?? "";
    const running = world.hosts.flatMap((host) => {
      const vm = memberNameOf(service, host) ?? "";
      return world.machine(host).host.copy(vm)?.state === "running" ? [{ host, vm }] : [];
    });
    const one = prng.pick(running);
    if (!one) return;
    const { host } = world.machine(one.host);
    this.#tally.add("member hung");
    world.emit({ type: "faultStruck", kind: `member ${one.vm} hung` });
    host.hang(one.vm);
    this.#hung.push(one);
    world.clock.after(prng.nextShare() * hungMsMax, () => host.hang(one.vm, false));
  }
}
