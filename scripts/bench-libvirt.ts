/**
 * evenkeel on libvirt beside raw virsh: `npm run -s bench:libvirt -- [--times 10] [--domains 50] [--seconds 20] [--moves-only] [--json]`.
 *
 * Responsible for: the time of a live move and how long the guest is silent in it, of a managed
 * save and a restore, and the CPU of polling, each as a ratio to virsh in the same run.
 * How: two real libvirtds on this machine, two like guests of 512 MiB without KVM, one moved and
 * saved by evenkeel's driver and channel (the steps that two agents take, without their talk and
 * journals), one by virsh (qemu+tcp, without encryption); they take turns, and move there and back.
 * Beside them virsh moves through two socats with TLS: what any encryption outside of QEMU costs on
 * this machine. Then two bundled agents take a VM there and back, ordered by `evenkeel migrate`.
 * What ends is collected at once, as a host's init does, whatever this machine's first process is.
 * Then domains that boot nothing are asked for their usage once a second.
 * It never touches the machine's own libvirt, and removes everything that it made. Needs root,
 * libvirt-daemon, libvirt-clients, socat, openssl, gcc and QEMU 9 or newer.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { tableLines } from "#agent/cli/table.ts";
import { consolePath } from "#agent/hypervisor/libvirt/domain-xml.ts";
import { median } from "#lib/base/stats.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { eventually } from "../test/support/eventually.ts";
import { fleetSerialCounts } from "../test/support/fleet-serial-counts.ts";
import { freePort } from "../test/support/free-port.ts";
import { libvirtMissing } from "../test/support/libvirt-host.ts";
import { LibvirtRig } from "../test/support/libvirt-rig.ts";
import { build } from "./bench/built-entries.ts";
import { exitCodeOf } from "./bench/exit-code.ts";
import { rounded, spreadOf } from "./bench/figures.ts";
import { LibvirtAgents } from "./bench/libvirt-agents.ts";
import {
  type EvenkeelMove,
  LibvirtMoves,
  type MoveFigures,
  moveSteps,
  type Place,
} from "./bench/libvirt-moves.ts";
import { pollingByDriver, pollingByVirsh } from "./bench/libvirt-polling.ts";
import { startRaw, startTiny, virsh } from "./bench/raw-domains.ts";
import { underReaper } from "./bench/under-reaper.ts";

const TIMES_MAX = 100;
const DOMAINS_MAX = 500;
const SECONDS_MAX = 600;
const MEMORY_BYTES = 512 << 20;
/** Filled with noise once; pages of it written each tenth of a second. */
const WORK = { dirtyMiB: 64, ratePages: 20 };
const BOOT_MS_MAX = 120_000;
/** What is to be reached, as a ratio to virsh. */
const GOALS = {
  move: "1.1",
  silence: "",
  socatMove: "",
  socatSilence: "",
  verb: "1.1",
  verbSilence: "",
  save: "1.1",
  restore: "1.1",
} as const;
const TITLES = {
  move: "live move, driver and channel",
  silence: "longest silence of the guest in it",
  socatMove: "virsh, led through socats with TLS",
  socatSilence: "longest silence of the guest in it",
  verb: "live move, whole command",
  verbSilence: "longest silence of the guest in it",
  save: "managed save",
  restore: "restore",
} as const;

interface Runs {
  readonly evenkeel: readonly EvenkeelMove[];
  readonly virsh: readonly MoveFigures[];
  readonly socat: readonly MoveFigures[];
}

/** `evenkeel migrate` and `virsh migrate`, command against command. */
type VerbRuns = Omit<Runs, "evenkeel" | "socat"> & { readonly evenkeel: readonly MoveFigures[] };

interface Saves {
  readonly save: number[];
  readonly restore: number[];
}

type Places = readonly [Place, Place];

async function main(): Promise<void> {
  const { times, domains, seconds, movesOnly, json } = orderOf();
  const missing = libvirtMissing();
  if (missing !== null) {
    throw new Error(`${missing} (apt-get install libvirt-daemon libvirt-clients)`);
  }
  const exitCode = underReaper();
  if (exitCode !== null) {
    process.exitCode = exitCode;
    return;
  }
  say("building the bundle");
  build();
  const machineLoadAtStart = rounded(loadavg()[0] ?? 0);
  const bench = await LibvirtBench.make();
  try {
    const moves = movesReport(await bench.moves(times));
    const saves = movesOnly ? null : savesReport(await bench.saves(times));
    await bench.endOwn();
    const verb = verbReport(await bench.verb(times));
    await bench.endRaw();
    const polling = movesOnly ? null : await bench.polling(domains, seconds);
    const machineLoadAtEnd = rounded(loadavg()[0] ?? 0);
    const report = {
      times,
      ...moves,
      ...verb,
      ...saves,
      polling,
      machineLoadAtStart,
      machineLoadAtEnd,
    };
    for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  } finally {
    await bench.close();
  }
}

function orderOf() {
  const { values } = parseArgs({
    options: {
      times: { type: "string", default: "10" },
      domains: { type: "string", default: "50" },
      seconds: { type: "string", default: "20" },
      "moves-only": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const whole = (name: "times" | "domains" | "seconds", max: number) => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
    throw new RangeError(`--${name} wants a whole number from 1 to ${max}`);
  };
  return {
    times: whole("times", TIMES_MAX),
    domains: whole("domains", DOMAINS_MAX),
    seconds: whole("seconds", SECONDS_MAX),
    movesOnly: values["moves-only"],
    json: values.json,
  };
}

/** Two hosts and two like guests, one for evenkeel and one for virsh. */
class LibvirtBench {
  readonly #rig: LibvirtRig;
  readonly #places: Places;
  readonly #own: VmSpec;
  readonly #raw: VmSpec;

  private constructor(rig: LibvirtRig, tcpPorts: { source: number; target: number }) {
    this.#rig = rig;
    this.#places = [
      { driver: rig.source, host: rig.hosts.source, tcpPort: tcpPorts.source },
      { driver: rig.target, host: rig.hosts.target, tcpPort: tcpPorts.target },
    ];
    [this.#own, this.#raw] = [this.#spec("own"), this.#spec("raw")];
  }

  static async make(): Promise<LibvirtBench> {
    const tcpPorts = { source: await freePort(), target: await freePort() };
    const rig = await LibvirtRig.make(tcpPorts);
    const bench = new LibvirtBench(rig, tcpPorts);
    try {
      await rig.source.startVm(bench.#own);
      await startRaw(rig, bench.#raw);
      for (const { name } of [bench.#own, bench.#raw]) await bench.#counts(name);
    } catch (error) {
      await bench.close();
      throw error;
    }
    return bench;
  }

  /** There and back by turns. */
  async moves(times: number): Promise<Runs> {
    const moves = new LibvirtMoves(this.#rig);
    const runs = {
      evenkeel: [] as EvenkeelMove[],
      virsh: [] as MoveFigures[],
      socat: [] as MoveFigures[],
    };
    for (const { from, to, counts } of this.#turns(times)) {
      const own = await moves.byEvenkeel(this.#own, from, to);
      const raw = await moves.byVirsh(this.#raw.name, from, to);
      const socat = await moves.bySocat(this.#raw.name, to, from);
      const shown = [own, raw, socat].map(({ totalMs }) => `${totalMs.toFixed(0)} ms`);
      say(`move: evenkeel ${shown[0]}, virsh ${shown[1]}, through socat ${shown[2]}`);
      // The next pair goes the other way: virsh brings its guest there first.
      await moves.byVirsh(this.#raw.name, from, to);
      if (!counts) continue;
      runs.evenkeel.push(own);
      runs.virsh.push(raw);
      runs.socat.push(socat);
    }
    for (const { name } of [this.#own, this.#raw]) await this.#isIntact(name);
    return runs;
  }

  async saves(times: number): Promise<{ evenkeel: Saves; virsh: Saves }> {
    const { source, hosts } = this.#rig;
    const evenkeel: Saves = { save: [], restore: [] };
    const raw: Saves = { save: [], restore: [] };
    for (let time = 0; time < times; time += 1) {
      evenkeel.save.push(await msOf(() => source.suspendVm(this.#own)));
      evenkeel.restore.push(await msOf(() => source.resumeVm(this.#own)));
      raw.save.push(await msOf(() => virsh(hosts.source, "managedsave", this.#raw.name)));
      raw.restore.push(await msOf(() => virsh(hosts.source, "start", this.#raw.name)));
      const shown = [evenkeel, raw].map((all) => `${all.save.at(-1)?.toFixed(0)} ms`);
      say(`managed save: evenkeel ${shown[0]}, virsh ${shown[1]}`);
    }
    return { evenkeel, virsh: raw };
  }

  /** Two bundled agents and their command, beside virsh. */
  async verb(times: number): Promise<VerbRuns> {
    const spec = this.#spec("verb");
    const agents = await LibvirtAgents.start(this.#rig, spec);
    try {
      const moves = new LibvirtMoves(this.#rig);
      const runs = { evenkeel: [] as MoveFigures[], virsh: [] as MoveFigures[] };
      for (const { from, to, counts } of this.#turns(times)) {
        const number = 1 + this.#places.indexOf(to);
        const own = await moves.byCommand(spec.name, () => agents.migrate(number));
        const raw = await moves.byVirsh(this.#raw.name, from, to);
        const shown = [own, raw].map(({ totalMs }) => `${totalMs.toFixed(0)} ms`);
        say(`verb: evenkeel migrate ${shown[0]}, virsh migrate ${shown[1]}`);
        await agents.settled(number);
        if (!counts) continue;
        runs.evenkeel.push(own);
        runs.virsh.push(raw);
      }
      for (const name of [spec.name, this.#raw.name]) await this.#isIntact(name);
      return runs;
    } finally {
      await agents.close();
    }
  }

  /** There and back: an even number, which leaves guests where they began. The first warms up. */
  *#turns(times: number): Generator<{ from: Place; to: Place; counts: boolean }> {
    const [source, target] = this.#places;
    for (let time = 0; time < times + 1 + ((times + 1) % 2); time += 1) {
      const [from, to] = time % 2 === 0 ? [source, target] : [target, source];
      yield { from, to, counts: time > 0 && time <= times };
    }
  }

  endOwn(): Promise<void> {
    return this.#rig.source.stopVm(this.#own.name, true);
  }

  async endRaw(): Promise<void> {
    await virsh(this.#rig.hosts.source, "destroy", this.#raw.name);
    await virsh(this.#rig.hosts.source, "destroy", "verb");
  }

  async polling(domains: number, seconds: number) {
    const running = await startTiny(this.#rig, domains);
    say(`${running} domains run`);
    const [place] = this.#places;
    const driver = await pollingByDriver(place, seconds);
    const raw = await pollingByVirsh(place.host, seconds);
    return { domains: running, driver, virsh: raw };
  }

  close(): Promise<void> {
    return this.#rig.close();
  }

  #spec(name: string): VmSpec {
    return { ...this.#rig.spec(name, WORK), memoryBytes: MEMORY_BYTES };
  }

  async #counts(vm: string): Promise<void> {
    const counts = async () => (await this.#serial(vm)).counts.length > 3;
    await eventually(`${vm} counts`, counts, { limitMs: BOOT_MS_MAX, pollMs: 100 });
  }

  async #isIntact(vm: string): Promise<void> {
    const { lost, repeated } = await this.#serial(vm);
    if (lost.length + repeated.length === 0) return;
    throw new Error(`${vm}: counts lost ${lost.join(" ")}, repeated ${repeated.join(" ")}`);
  }

  #serial(vm: string) {
    const { source, target } = this.#rig.hosts;
    return fleetSerialCounts([source, target].map((host) => host.seen(consolePath(vm))));
  }
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const sinceMs = performance.now();
  await work();
  return performance.now() - sinceMs;
}

/** Medians of both, and of each one over virsh's of the same turn: the machine's load comes and goes. */
function compared(evenkeel: readonly number[], raw: readonly number[]) {
  const [own, rival] = [spreadOf(evenkeel), spreadOf(raw)];
  const ratio = rounded(median(evenkeel.map((ms, turn) => ms / (raw[turn] ?? ms))));
  return {
    evenkeelMs: own.median,
    evenkeelMsMax: own.max,
    virshMs: rival.median,
    virshMsMax: rival.max,
    ratio,
  };
}

function movesReport(runs: Runs) {
  const stepMs = (step: (typeof moveSteps)[number]) =>
    rounded(median(runs.evenkeel.map(({ stepsMs }) => stepsMs[step])));
  const moveStepsMs = Object.fromEntries(moveSteps.map((step) => [step, stepMs(step)]));
  return {
    move: compared(totalsOf(runs.evenkeel), totalsOf(runs.virsh)),
    silence: compared(silencesOf(runs.evenkeel), silencesOf(runs.virsh)),
    socatMove: compared(totalsOf(runs.socat), totalsOf(runs.virsh)),
    socatSilence: compared(silencesOf(runs.socat), silencesOf(runs.virsh)),
    moveStepsMs,
  };
}

function verbReport(runs: VerbRuns) {
  return {
    verb: compared(totalsOf(runs.evenkeel), totalsOf(runs.virsh)),
    verbSilence: compared(silencesOf(runs.evenkeel), silencesOf(runs.virsh)),
  };
}

function totalsOf(moves: readonly MoveFigures[]): number[] {
  return moves.map(({ totalMs }) => totalMs);
}

function silencesOf(moves: readonly MoveFigures[]): number[] {
  return moves.map(({ silenceMs }) => silenceMs);
}

function savesReport({ evenkeel, virsh: raw }: { evenkeel: Saves; virsh: Saves }) {
  return {
    save: compared(evenkeel.save, raw.save),
    restore: compared(evenkeel.restore, raw.restore),
  };
}

type PollingShare = Awaited<ReturnType<LibvirtBench["polling"]>>["driver"];
type Report = ReturnType<typeof movesReport> &
  ReturnType<typeof verbReport> &
  Partial<ReturnType<typeof savesReport>> & {
    readonly times: number;
    readonly polling: Awaited<ReturnType<LibvirtBench["polling"]>> | null;
    readonly machineLoadAtStart: number;
    readonly machineLoadAtEnd: number;
  };

function reportLines(report: Report): readonly string[] {
  const right = "right" as const;
  const rows = (Object.keys(TITLES) as (keyof typeof TITLES)[]).flatMap((name) => {
    const figures = report[name];
    if (figures === undefined) return [];
    const { evenkeelMs, evenkeelMsMax, virshMs, virshMsMax, ratio } = figures;
    const shown = [evenkeelMs, evenkeelMsMax, virshMs, virshMsMax].map((ms) => ms.toFixed(0));
    return [[TITLES[name], ...shown, ratio.toFixed(2), GOALS[name]]];
  });
  const { polling, moveStepsMs, machineLoadAtStart, machineLoadAtEnd } = report;
  const share = ({ asker, libvirtd, whole }: PollingShare) =>
    `${whole.toFixed(1)} % (asker ${asker.toFixed(1)}, libvirtd ${libvirtd.toFixed(1)})`;
  const titles = ["ms", "WORST", "VIRSH ms", "WORST", "BY PAIRS", "TO REACH"];
  const columns = titles.map((title) => ({ title, align: right }));
  return [
    ...tableLines([{ title: `512 MiB, MEDIAN OF ${report.times}` }, ...columns], rows),
    `a move's steps, ms: ${Object.entries(moveStepsMs)
      .map(([step, ms]) => `${step} ${ms.toFixed(0)}`)
      .join(", ")}`,
    ...(polling === null
      ? []
      : [
          `polling ${polling.domains} domains once a second, CPU of a core: driver ${share(polling.driver)}, virsh domstats ${share(polling.virsh)}`,
        ]),
    `load average: ${machineLoadAtStart} at the start, ${machineLoadAtEnd} at the end`,
  ];
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
