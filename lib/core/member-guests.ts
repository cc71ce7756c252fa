import type { VmName } from "../model/ids.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import { LoadEstimate } from "../planning/load-estimate.ts";

/** A member of a service that has memory here, or will in a moment. */
export interface MemberGuest {
  readonly spec: VmSpec;
  readonly estimate: LoadEstimate;
}

/**
 * The members of services that take memory and CPU of this host. They are no guests that anybody
 * moves or starts by a verb, but they count in the host's figures.
 */
export class MemberGuests {
  readonly #guests = new Map<VmName, MemberGuest>();

  all(): Iterable<MemberGuest> {
    return this.#guests.values();
  }

  get(vm: VmName): MemberGuest | undefined {
    return this.#guests.get(vm);
  }

  /** From now on it takes its memory; a new copy's load is not known yet. */
  begins(spec: VmSpec): void {
    if (!this.#guests.has(spec.name)) {
      this.#guests.set(spec.name, { spec, estimate: new LoadEstimate() });
    }
  }

  ended(vm: VmName): void {
    this.#guests.delete(vm);
  }
}
