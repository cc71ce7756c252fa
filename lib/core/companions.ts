import type { HostId } from "../model/ids.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import { gatheringHost, partOf } from "../planning/affinity.ts";
import type { HostFigures } from "../planning/host-figures.ts";
import type { VmFigures } from "../planning/vm-figures.ts";

/** By then the new host's summary has told of the VM. */
const rememberedMs = 15_000;
const sentMax = 64;

interface Sent {
  readonly host: HostId;
  readonly untilMs: number;
}

/** Knows where the companions of this host's VMs are: the rest of their affinity groups. */
export class Companions {
  /** Where VMs of a group went last: their new host's summary takes a moment to say so. */
  readonly #sent = new Map<string, Sent>();

  /** A VM of this host has moved there. */
  sent(spec: VmSpec, host: HostId, nowMs: number): void {
    const group = spec.policy.affinityGroup ?? null;
    if (group === null) return;
    const oldest = this.#sent.keys().next().value;
    if (oldest !== undefined && this.#sent.size >= sentMax) this.#sent.delete(oldest);
    this.#sent.delete(group);
    this.#sent.set(group, { host, untilMs: nowMs + rememberedMs });
  }

  /** The VMs with their companions here, and with where they should gather if that is elsewhere. */
  complete(
    vms: readonly VmFigures[],
    hosts: { readonly own: () => HostFigures; readonly others: () => readonly HostFigures[] },
    nowMs: number,
  ): readonly VmFigures[] {
    const groups = new Set(vms.map((vm) => vm.policy.affinityGroup ?? null));
    groups.delete(null);
    if (groups.size === 0) return vms;
    const [own, others] = [hosts.own(), hosts.others()];
    const places = new Map(
      [...groups].map((group) => [group, this.#place(group ?? "", { own, others }, nowMs)]),
    );
    return vms.map((vm) => {
      const group = vm.policy.affinityGroup ?? null;
      if (group === null) return vm;
      const place = places.get(group);
      const companions = vms
        .filter((one) => one.vm !== vm.vm && one.policy.affinityGroup === group)
        .map((one) => one.vm);
      const gatherAt = place && place.host !== own.host ? place : null;
      return {
        ...vm,
        companions,
        gatherAt: gatherAt && { host: gatherAt.host, name: gatherAt.name },
      };
    });
  }

  #place(
    group: string,
    { own, others }: { readonly own: HostFigures; readonly others: readonly HostFigures[] },
    nowMs: number,
  ): HostFigures | undefined {
    const sent = this.#sent.get(group);
    if (sent && sent.untilMs > nowMs) {
      const target = others.find((host) => host.host === sent.host && !host.draining);
      // The first one left for there a moment ago: the others follow, whatever the figures say.
      if (target && !partOf(target, group)) return target;
    }
    return gatheringHost(group, [own, ...others]);
  }
}
