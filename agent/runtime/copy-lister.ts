import type { CopyReport } from "#lib/model/copy.ts";
import type { Hypervisor } from "../ports/hypervisor.ts";
import type { Log } from "../ports/log.ts";

/**
 * Reads the hypervisor's full list when asked, one reading at a time. A list that was begun before
 * an operation ended is old by the time it comes: it is thrown away and read again.
 */
export class CopyLister {
  readonly #hypervisor: Hypervisor;
  readonly #log: Log;
  readonly #listed: (copies: readonly CopyReport[]) => void;
  #epoch = 0;
  #reading = false;
  #again = false;

  constructor(
    parts: { readonly hypervisor: Hypervisor; readonly log: Log },
    listed: (copies: readonly CopyReport[]) => void,
  ) {
    this.#hypervisor = parts.hypervisor;
    this.#log = parts.log;
    this.#listed = listed;
  }

  /** An operation ended: what was read before it does not count. */
  opEnded(): void {
    this.#epoch += 1;
  }

  relist(): void {
    if (this.#reading) this.#again = true;
    else void this.#read();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    do {
      this.#again = false;
      const epoch = this.#epoch;
      try {
        const copies = await this.#hypervisor.list();
        if (epoch === this.#epoch) this.#listed(copies);
        else this.#again = true;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#log.write("warn", `cannot list the guests: ${message}`);
      }
    } while (this.#again);
    this.#reading = false;
  }
}
