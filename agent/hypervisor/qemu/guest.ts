import type { Clock } from "#agent/ports/clock.ts";
import type { CopyState } from "#lib/model/copy.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { sleep } from "../sleep.ts";
import { copyStateOf, type MonitorState } from "./copy-state.ts";
import type { GuestPaths } from "./guest-paths.ts";
import { diesWithin, killGuest, processEnded } from "./guest-process.ts";
import { type GuestRecord, writeGuestRecord } from "./guest-record.ts";
import { isAlive } from "./process-identity.ts";
import { QmpClient, type QmpEvent } from "./qmp-client.ts";
import { asRecord } from "./qmp-lines.ts";

/** How long a fresh QEMU may take until its monitor answers. */
const MONITOR_WAIT_MS = 10_000;
const MONITOR_POLL_MS = 10;
const ENDING_MS = 500;
/** After a lost monitor connection. */
const RECONNECT_MS = 1_000;
/** Last states shown for a QEMU that does not answer. */
const UNANSWERED: Readonly<Record<GuestRecord["role"], CopyState>> = {
  own: "running",
  incoming: "receiving",
  resuming: "paused",
  suspending: "paused",
};

export interface GuestOptions {
  readonly paths: GuestPaths;
  readonly record: GuestRecord;
  readonly clock: Clock;
  /** Something happened to the guest. */
  readonly changed: () => void;
}

/** One QEMU process with its record and its monitor. */
export class Guest {
  readonly vm: string;
  readonly paths: GuestPaths;
  readonly clock: Clock;
  readonly #qmp: QmpClient;
  readonly #changed: () => void;
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #record: GuestRecord;
  #lastState: CopyState | undefined;
  #released = false;

  constructor({ paths, record, clock, changed }: GuestOptions) {
    this.vm = record.spec.name;
    this.paths = paths;
    this.clock = clock;
    this.#record = record;
    this.#changed = changed;
    this.#qmp = new QmpClient({
      path: paths.monitor,
      vm: this.vm,
      clock,
      event: (event) => this.#happened(event),
      closed: () => this.#monitorLost(),
    });
  }

  get record(): GuestRecord {
    return this.#record;
  }

  /** Changes the record, on disk first: a later agent must not know less than we act upon. */
  async note(change: Partial<GuestRecord>): Promise<void> {
    const record = { ...this.#record, ...change };
    await writeGuestRecord(this.paths.record, record);
    this.#record = record;
  }

  /** Asks QEMU; rejects with its last words when it ended meanwhile. */
  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    try {
      return await this.#qmp.execute(command, args);
    } catch (error) {
      const isEnding =
        !this.#released && error instanceof HypervisorError && error.code === "VM_PROCESS";
      // The monitor closes a moment before the process counts as dead.
      if (isEnding && (await diesWithin(this.#record.process, ENDING_MS, this.clock))) {
        throw await processEnded(this.vm, this.paths.output, error);
      }
      throw error;
    }
  }

  /** Calls `heard` for each event; returns how to stop. */
  listen(heard: (event: QmpEvent) => void): () => void {
    this.#listeners.add(heard);
    return () => this.#listeners.delete(heard);
  }

  isAlive(): Promise<boolean> {
    return isAlive(this.#record.process);
  }

  /** Waits for a fresh process; rejects with QEMU's last words when it ends instead. */
  async monitorReady(): Promise<void> {
    const endMs = this.clock.nowMs() + MONITOR_WAIT_MS;
    for (;;) {
      try {
        await this.#qmp.connected();
        return;
      } catch (error) {
        if (!(await this.isAlive())) throw await processEnded(this.vm, this.paths.output);
        if (this.clock.nowMs() > endMs) throw error;
      }
      await sleep(MONITOR_POLL_MS, this.clock);
    }
  }

  async monitorState(): Promise<MonitorState> {
    const [status, migration] = await Promise.all([
      this.execute("query-status"),
      this.execute("query-migrate"),
    ]);
    const reached = asRecord(migration)?.["status"];
    return {
      runState: String(asRecord(status)?.["status"]),
      migration: typeof reached === "string" ? reached : undefined,
    };
  }

  /** Undefined when the process is gone. A QEMU that does not answer keeps its last state. */
  async state(): Promise<CopyState | undefined> {
    if (!(await this.isAlive())) return undefined;
    try {
      this.#lastState = copyStateOf(await this.monitorState(), this.#record.role);
    } catch {
      if (!(await this.isAlive())) return undefined;
    }
    return this.#lastState ?? UNANSWERED[this.#record.role];
  }

  /** The state, or VM_ABSENT when the process is gone. */
  async stateOrAbsent(): Promise<CopyState> {
    const state = await this.state();
    if (state === undefined) throw absent(this.vm);
    return state;
  }

  async kill(): Promise<void> {
    this.#released = true;
    await killGuest(this.#record.process, this.clock);
    this.#qmp.close();
  }

  /** Lets go of the monitor; the guest runs on. */
  release(): void {
    this.#released = true;
    this.#qmp.close();
  }

  #happened(event: QmpEvent): void {
    for (const heard of this.#listeners) heard(event);
    this.#changed();
  }

  #monitorLost(): void {
    this.#happened({ name: "MONITOR_LOST", data: {} });
    this.#reconnectLater();
  }

  #reconnectLater(): void {
    if (this.#released) return;
    this.clock.after(RECONNECT_MS, async () => {
      if (this.#released || this.#qmp.isOpen || !(await this.isAlive())) return;
      this.#qmp.connected().catch(() => this.#reconnectLater());
    });
  }
}

export function absent(vm: string): HypervisorError {
  return new HypervisorError(`VM ${vm} has no copy here`, { code: "VM_ABSENT" });
}
