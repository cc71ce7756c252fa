/**
 * Strikes moves between real agents: brings a VM's move to a phase, lets a fault befall it, mends
 * what broke, and judges what became of the VM.
 *
 * How a phase is held open: `receiving` by a bandwidth cap; all others, which last milliseconds, by
 * stopping (SIGSTOP) the agent whose turn it is. The one that is stopped goes on after the strike.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { CellEnd, MoveFault, MovePhase } from "#lib/simulation/move-cell.ts";
import type { AgentFleet } from "./agent-fleet.ts";
import type { AgentHost } from "./agent-host.ts";
import { eventually } from "./eventually.ts";
import type { FaultGuests } from "./fault-guests.ts";
import { PHASE_MS_MAX, PhaseEar } from "./phase-ear.ts";

/** A freshly started guest has counted this far when it is moved. */
const BOOTED_COUNT = 5;
const BOOT_MS_MAX = 60_000;
const GRANTED_MS_MAX = 2_000;
/** Below the time that a source waits for its vote before it gives the move up. */
const COMMITTED_MS_MAX = 1_500;
const TRIES_MAX = 6;
const RETRY_MS = 700;
/** Of a transfer, before the phases after it are prepared: what is left lasts a second or two. */
const SHARE_LEFT = 0.4;
const BYTES_UNDER_WAY = 2 << 20;
const STOPPED_MS = 25;
const NUDGE_MS = 2;
/** A message that was sent has left by then, also where a segment of it was lost and goes again. */
const SENT_MS = 400;
const SETTLE_MS_MAX = 90_000;

export interface CellTrial {
  readonly phase: MovePhase;
  readonly fault: MoveFault;
  readonly vm: string;
  /** How long what broke stays broken, ms. */
  readonly brokenMs: number;
}

export interface CellOutcome {
  readonly end: CellEnd;
  /** Everything that must not be; empty when all held. */
  readonly faults: readonly string[];
  /** Longest time in which nothing of the VM ran, ms. */
  readonly frozenMs: number;
  /** From the first agent stopped until all was mended, ms: the ends could not talk. */
  readonly apartMs: number;
  /** From then on until both ends had settled, ms. */
  readonly settledMs: number;
}

interface Look {
  readonly places: readonly string[];
  readonly movesOpen: number;
  readonly copies: readonly string[];
  readonly alarms: readonly string[];
}

/** Two hosts: the first is every move's source, the second its target. */
export class MoveFaultBench {
  readonly #fleet: AgentFleet;
  readonly #guests: FaultGuests;

  constructor(fleet: AgentFleet, guests: FaultGuests) {
    this.#fleet = fleet;
    this.#guests = guests;
  }

  /** Starts a VM for a cell, and does not wait until it has booted. */
  async start(vm: string): Promise<void> {
    const { api } = this.#source;
    await api.post("/v1/vms", this.#guests.spec(vm));
    await api.post(`/v1/vms/${vm}/start`);
  }

  /** One cell, with a VM of its own that was started. Throws when the phase was never reached. */
  async run(trial: CellTrial): Promise<CellOutcome> {
    const { vm } = trial;
    await this.booted(vm);
    const told = this.#guests.watch(this.#fleet, vm);
    try {
      const heldAtMs = await this.reach(trial);
      await this.#strike(trial);
      await pause(trial.brokenMs);
      await this.#mend();
      const apartMs = performance.now() - heldAtMs;
      const settledMs = await this.#settled(vm);
      const look = await this.#look(vm);
      const end = this.#endOf(look);
      const faults = await this.#faultsOf(vm, end, look);
      const { fault, frozenMsMax } = await told();
      if (fault !== null) faults.push(fault);
      return { end, faults, frozenMs: frozenMsMax, apartMs, settledMs };
    } finally {
      // A watch that nobody stops would keep the process from ending.
      await told();
    }
  }

  /** Removes the VM wherever it is. */
  async remove(vm: string): Promise<void> {
    const { api } = this.#source;
    await api.ask(`/v1/vms/${vm}/stop`, { force: true });
    await api.ask(`/v1/vms/${vm}/undefine`, {});
  }

  get #source(): AgentHost {
    return this.#fleet.host(1);
  }

  get #target(): AgentHost {
    return this.#fleet.host(2);
  }

  async booted(vm: string): Promise<void> {
    const booted = async () => (await this.#guests.count(this.#fleet, vm)) >= BOOTED_COUNT;
    await eventually(`${vm} counts`, booted, { limitMs: BOOT_MS_MAX, pollMs: 100 });
  }

  /**
   * Moves the VM until the phase is there, with an agent stopped to hold it open. Resolves with the
   * moment from which on an end was stopped, or may be struck.
   */
  async reach(trial: Pick<CellTrial, "phase" | "fault" | "vm">): Promise<number> {
    const { phase, vm } = trial;
    const phases = new PhaseEar(vm);
    try {
      await phases.listen(this.#source, this.#target);
      if (phase === "granted") return await this.#reachGranted(vm);
      await this.#nearlySent(phase, vm);
      const heldAtMs = performance.now();
      if (phase !== "receiving") await this.#pastTheVote(trial, phases);
      return heldAtMs;
    } finally {
      phases.stop();
    }
  }

  /** The target gathers proposals for a while before it grants: then the source is stopped. */
  async #reachGranted(vm: string): Promise<number> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const metric = () => this.#target.api.metric("evenkeel_proposals_received_total");
      const before = await metric();
      const asked = this.#source.api.ask(`/v1/vms/${vm}/migrate`, { target: this.#target.name });
      const answered = asked.catch(() => undefined);
      const proposed = async () => (await metric()) > before;
      const options = { limitMs: GRANTED_MS_MAX, pollMs: 2 };
      const came = await eventually("proposed", proposed, options).catch(() => undefined);
      if (came !== undefined) {
        this.#source.pause();
        const heldAtMs = performance.now();
        const granted = async () => (await movesOf(this.#target)).includes("target granted");
        const options = { limitMs: GRANTED_MS_MAX, pollMs: 20 };
        const held = await eventually("granted", granted, options).catch(() => undefined);
        if (held !== undefined) return heldAtMs;
        this.#source.goOn();
      }
      await answered;
      await this.#source.api.ask(`/v1/vms/${vm}/cancel`, {});
      await this.#untilNoMove();
      await pause(RETRY_MS);
    }
    throw new Error(`the move of ${vm} could not be caught when it was granted`);
  }

  /** The transfer is under way; for the phases after it, soon over. */
  async #nearlySent(phase: MovePhase, vm: string): Promise<void> {
    await this.#migrate(vm);
    const isThere = async () => {
      const progress = await progressOf(this.#source, vm);
      if (progress === null || progress.transferredBytes < BYTES_UNDER_WAY) return false;
      return phase === "receiving" || progress.remainingBytes < SHARE_LEFT * progress.totalBytes;
    };
    await eventually(`${vm} is on its way`, isThere, { limitMs: PHASE_MS_MAX, pollMs: 5 });
  }

  async #pastTheVote(
    { phase, fault }: Pick<CellTrial, "phase" | "fault">,
    phases: PhaseEar,
  ): Promise<void> {
    const isCut = fault === "link cut";
    await this.#stopBeforeVote(phases);
    if (phase === "held") return;
    await this.#commit(phases, isCut && phase === "committed");
    if (phase === "committed") return;
    this.#source.pause();
    if (isCut) this.#fleet.cut(2);
    this.#target.goOn();
    await phases.heard("target running");
  }

  /**
   * Lets the source read the vote, and its word of it get no further: the target is stopped, and cut
   * off before that word has left if asked. A vote that the source finds too old it asks for anew,
   * so that each end then gets its moment until it commits.
   */
  async #commit(phases: PhaseEar, isCut: boolean): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      // The notice that was heard is told before the vote is sent.
      await pause(SENT_MS);
      this.#target.pause();
      if (isCut) this.#fleet.cut(2);
      this.#source.goOn();
      const heard = phases.heard("source committed", COMMITTED_MS_MAX);
      if (
        await heard.then(
          () => true,
          () => false,
        )
      )
        break;
      this.#source.pause();
      this.#fleet.heal(2);
      this.#target.goOn();
    }
    await phases.heard("source committed", 0);
    await pause(SENT_MS);
  }

  /** The source is stopped before it reads the vote, which then waits in its socket. */
  async #stopBeforeVote(phases: PhaseEar): Promise<void> {
    const endMs = performance.now() + PHASE_MS_MAX;
    this.#source.pause();
    // A simulated guest is streamed by the agent itself, so that one has to go on, by moments.
    while (!this.#guests.streamsAlone && !phases.has("target held") && performance.now() < endMs) {
      await pause(STOPPED_MS);
      if (phases.has("target held")) return;
      this.#source.goOn();
      await pause(NUDGE_MS);
      this.#source.pause();
    }
    await phases.heard("target held");
  }

  async #migrate(vm: string): Promise<void> {
    let words = "";
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const body = { target: this.#target.name };
      const answer = await this.#source.api.ask(`/v1/vms/${vm}/migrate`, body);
      if (answer.status === 202) return;
      words = answer.text;
      await pause(RETRY_MS);
    }
    throw new Error(`${vm} cannot be moved: ${words}`);
  }

  async #strike({ fault, vm }: CellTrial): Promise<void> {
    const [source, target] = [this.#source, this.#target];
    const acts: Readonly<Record<MoveFault, () => unknown>> = {
      "source agent killed": () => source.kill(),
      "target agent killed": () => target.kill(),
      "source guest killed": () => this.#guests.kill(source, vm),
      "target guest killed": () => this.#guests.kill(target, vm),
      "channel killed": () => this.#killChannel(),
      "source agent paused": () => source.pause(),
      "target agent paused": () => target.pause(),
      "link cut": () => this.#fleet.cut(2),
      "both agents killed": () => Promise.all([source.kill(), target.kill()]),
    };
    await acts[fault]();
    // Whoever was stopped to hold the phase open goes on, unless that is the fault.
    if (source.running && fault !== "source agent paused") source.goOn();
    if (target.running && fault !== "target agent paused") target.goOn();
  }

  #killChannel(): void {
    const pid = [this.#source, this.#target].flatMap((host) => host.channelPids()).at(0);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }

  async #mend(): Promise<void> {
    this.#fleet.heal(2);
    for (const host of this.#fleet.hosts) {
      if (host.running) host.goOn();
      else host.spawn();
    }
    await Promise.all(this.#fleet.hosts.map((host) => host.answers()));
  }

  /** Until nothing is open at either end and both show the same; how long it took, ms. */
  #settled(vm: string): Promise<number> {
    const holds = async () => {
      const look = await this.#look(vm);
      const [first, second] = look.places;
      return look.movesOpen === 0 && look.copies.length <= 1 && first === second;
    };
    return eventually(`${vm} is settled`, holds, { limitMs: SETTLE_MS_MAX, pollMs: 100 }).catch(
      async (cause) => {
        const look = JSON.stringify(await this.#look(vm));
        throw new Error(`${vm} did not settle: ${look}`, { cause });
      },
    );
  }

  async #untilNoMove(): Promise<void> {
    const none = async () => {
      const lists = await Promise.all(this.#fleet.hosts.map((host) => movesOf(host)));
      return lists.flat().length === 0;
    };
    await eventually("no move is open", none, { limitMs: SETTLE_MS_MAX, pollMs: 50 });
  }

  async #look(vm: string): Promise<Look> {
    const looks = await Promise.all(
      this.#fleet.hosts.map(async ({ api }) => ({
        status: await api.status(),
        vms: await api.vms(),
      })),
    );
    return {
      places: looks.map(({ vms }) =>
        vms
          .filter(({ name }) => name === vm)
          .map(({ host, state }) => `${host} ${state}`)
          .join(" and "),
      ),
      movesOpen: looks.reduce((sum, { status }) => sum + status.moves.length, 0),
      copies: this.#guests.copies(this.#fleet, vm),
      alarms: [...new Set(looks.flatMap(({ status }) => status.alarms.map(({ code }) => code)))],
    };
  }

  #endOf({ copies }: Look): CellEnd {
    if (copies.length === 0) return "nowhere";
    return copies[0] === this.#source.name ? "source" : "target";
  }

  async #faultsOf(vm: string, end: CellEnd, look: Look): Promise<string[]> {
    const faults: string[] = [];
    if (look.copies.length > 1) faults.push(`copies on ${look.copies.join(" and ")}`);
    if (end === "nowhere") {
      if (!look.alarms.includes("lost")) faults.push(`lost, and not told: ${look.places[0]}`);
      return faults;
    }
    const expected = `${look.copies[0]} running`;
    for (const place of look.places) {
      if (place !== expected) faults.push(`shown as "${place}", but it is ${expected}`);
    }
    if (look.alarms.length > 0) faults.push(`alarms stand: ${look.alarms.join()}`);
    const before = await this.#guests.count(this.#fleet, vm);
    const counts = async () => (await this.#guests.count(this.#fleet, vm)) > before + 2;
    await eventually("it counts on", counts).catch(() => faults.push("it does not count on"));
    return faults;
  }
}

interface MoveProgress {
  readonly transferredBytes: number;
  readonly remainingBytes: number;
  readonly totalBytes: number;
}

interface MoveRow {
  readonly vm: string;
  readonly role: string;
  readonly phase: string;
  readonly progress: MoveProgress | null;
}

async function movesOf({ api }: AgentHost): Promise<readonly string[]> {
  const { moves } = await api.get<{ moves: readonly MoveRow[] }>("/v1/moves");
  return moves.map(({ role, phase }) => `${role} ${phase}`);
}

async function progressOf({ api }: AgentHost, vm: string): Promise<MoveProgress | null> {
  const { moves } = await api.get<{ moves: readonly MoveRow[] }>("/v1/moves");
  return moves.find((move) => move.vm === vm)?.progress ?? null;
}
