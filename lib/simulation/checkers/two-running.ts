import type { HostId, VmName } from "../../model/ids.ts";
import type { SimFact } from "../sim-fact.ts";
import type { Checker } from "./checker.ts";

/** Never two running copies of one VM, at any instant, whatever the agents believe. */
export class TwoRunning implements Checker {
  readonly name = "two-running";
  readonly facts = ["copyChanged"] as const;
  readonly #running = new Map<VmName, Set<HostId>>();

  observe(fact: SimFact): string | undefined {
    if (fact.type !== "copyChanged") return undefined;
    const { vm, after } = fact.change;
    const hosts = this.#running.get(vm) ?? new Set();
    if (after === null || after.sinceMs === null) hosts.delete(fact.host);
    else hosts.add(fact.host);
    if (hosts.size > 0) this.#running.set(vm, hosts);
    else this.#running.delete(vm);
    return hosts.size > 1 ? `${vm} runs on ${[...hosts].join(" and ")} at once` : undefined;
  }

  settled(): undefined {
    return undefined;
  }
}
