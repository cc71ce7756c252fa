import type { VmName } from "#lib/model/ids.ts";
import type { DomainEvent } from "./virsh-events.ts";

/**
 * What was asked of each domain, until libvirt tells that something happened to it. What was asked
 * before that and answered after it may be either, and is not kept.
 */
export class DomainCache<Value> {
  readonly #known = new Map<VmName, Value>();
  /** The last question about each domain that nothing has happened to since. */
  readonly #asked = new Map<VmName, object>();

  get(vm: VmName): Value | undefined {
    return this.#known.get(vm);
  }

  /** Asks anew, and keeps the answer. Rejects as `ask` does. */
  async ask(vm: VmName, ask: () => Promise<Value>): Promise<Value> {
    const question = {};
    this.#asked.set(vm, question);
    const value = await ask();
    if (this.#asked.get(vm) === question) this.#known.set(vm, value);
    return value;
  }

  happened(event: DomainEvent | "missed"): void {
    if (event === "missed") this.keep(new Set());
    else this.#forget(event.vm);
  }

  /** Only these are there still. */
  keep(present: ReadonlySet<VmName>): void {
    for (const vm of [...this.#known.keys(), ...this.#asked.keys()]) {
      if (!present.has(vm)) this.#forget(vm);
    }
  }

  #forget(vm: VmName): void {
    this.#known.delete(vm);
    this.#asked.delete(vm);
  }
}
