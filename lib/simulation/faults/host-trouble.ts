import type { HostId } from "../../model/ids.ts";

/** What is wrong with a host's hypervisor and disk at this moment. */
export interface HostTrouble {
  /** Its hypervisors take no order: what is asked of them waits, and times out. */
  hung: boolean;
  /** No journal write succeeds: the agent ends at the first one. */
  journalFull: boolean;
  /** No room for the image of a suspended guest. */
  imagesFull: boolean;
}

export interface HostTroublesOptions {
  /** An agent's write has failed: its process ends, after this event. */
  readonly ended: (host: HostId) => void;
  readonly changed: (host: HostId) => void;
}

/** The troubles of all hosts of one world: faults switch them, TroubledNode obeys them. */
export class HostTroubles {
  readonly #troubles = new Map<HostId, HostTrouble>();
  #options: HostTroublesOptions | undefined;

  /** The world that these hosts stand in, once there is one. */
  report(options: HostTroublesOptions): void {
    this.#options = options;
  }

  /** The host's trouble, to be read again and again: it is the same object each time. */
  of(host: HostId): Readonly<HostTrouble> {
    return this.#of(host);
  }

  set(host: HostId, trouble: Partial<HostTrouble>): void {
    Object.assign(this.#of(host), trouble);
    this.#options?.changed(host);
  }

  mendAll(): void {
    for (const host of this.#troubles.keys()) {
      this.set(host, { hung: false, journalFull: false, imagesFull: false });
    }
  }

  /** Told by the agent whose write has failed. */
  writeFailed(host: HostId): void {
    this.#options?.ended(host);
  }

  #of(host: HostId): HostTrouble {
    let trouble = this.#troubles.get(host);
    if (!trouble) {
      trouble = { hung: false, journalFull: false, imagesFull: false };
      this.#troubles.set(host, trouble);
    }
    return trouble;
  }
}
