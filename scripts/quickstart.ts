/**
 * Three hosts on this machine even out a lopsided load: the second half of `scripts/quickstart`.
 *
 * Responsible for: the whole demonstration once everything is installed: three real agents, eight
 * guests on the first of them, `act`, the picture while guests move, a summary of what was measured.
 * How: as root each host is a network namespace on one bridge, and the agents find each other with
 * no configuration; else each has a loopback address and a list of the others. Guests are real QEMU
 * guests, or simulated ones where there is no QEMU.
 * It never leaves anything behind: a guard process removes agents, guests, namespaces and files
 * when this one ends, in whatever way.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { AgentFleet } from "../test/support/agent-fleet.ts";
import { canMakeNamespaces } from "../test/support/network-namespaces.ts";
import { DEMO_GUEST_FOLDER, type GuestImage, guestImage } from "./lab/guest-image.ts";
import { DemoGuests, type GuestCount } from "./levelling/demo-guests.ts";
import { Levelling } from "./levelling/levelling.ts";
import { type Observation, Observer } from "./levelling/observation.ts";
import { outcomeLine, pictureOf } from "./levelling/picture.ts";
import { runDemo } from "./levelling/run-demo.ts";
import { Screen } from "./levelling/screen.ts";
import { untilAborted } from "./levelling/until-aborted.ts";

const HOSTS = 3;
const GUESTS = 8;
/** Small, so that little guests fill it: the point is the spread, not the machine's strength. */
const CAPACITY = { cpuCores: 0.5, memoryMiB: 2048 };
/** With what an idle guest costs without KVM this makes about 0.1 core. */
const GUEST_BUSY_MS = 4;
/** A simulated guest costs nothing else. */
const SIM_BUSY_MS = 10;
const LOOK_MS = 500;
/** Looks before `act`, of which the spread at the begin is the mean. */
const LOOKS_BEFORE = 10;
/** The load is known when every guest has counted this far: its boot does not count as load. */
const BOOTED_TICKS = 30;
const BOOT_MS_MAX = 90_000;
const LEVEL_MS_MAX = 120_000;

const help = `Usage: scripts/quickstart [--json] [--keep] [--guests qemu|sim] [--help]
       scripts/quickstart --services [--json] [--picture FILE.svg] [--help]

Three hosts on this machine, eight guests crowded on the first, and nobody in charge:
watch them even it out. Everything is removed at the end, also on ^C.
With --services: a web service whose members sleep on every host and wake when a crowd comes.

  --json         the last line on standard output is one JSON object with what was measured
  --keep         go on afterwards until ^C, and say how to talk to the agents
  --guests KIND  qemu or sim; default: qemu where it can be had
  --help         this text
`;

interface Options {
  readonly json: boolean;
  readonly keep: boolean;
  readonly guests: "qemu" | "sim" | undefined;
}

interface Run {
  readonly screen: Screen;
  readonly fleet: AgentFleet;
  readonly observer: Observer;
  readonly guests: DemoGuests;
  readonly signal: AbortSignal;
  readonly options: Options & { readonly guests: "qemu" | "sim" };
}

/** What `--json` prints. */
interface Summary {
  readonly hosts: number;
  readonly guests: "qemu" | "sim";
  readonly moves: number;
  readonly cpuSdBefore: number;
  readonly cpuSdAfter: number | null;
  readonly downtimeMsMax: number | null;
  readonly ticksLost: number;
  readonly secondsToLevel: number | null;
}

async function main(signal: AbortSignal): Promise<number> {
  const options = readOptions();
  if (options === null) return 0;
  const screen = new Screen(options.json ? process.stderr : process.stdout, process.env);
  const image = options.guests === "sim" ? null : await imageOrNull(screen);
  if (image === null && options.guests === "qemu") return 1;
  const fleet = makeFleet(image);
  try {
    return await perform({
      screen,
      fleet,
      observer: new Observer(fleet, CAPACITY.cpuCores),
      guests: new DemoGuests({ count: GUESTS, image, busyMs: image ? GUEST_BUSY_MS : SIM_BUSY_MS }),
      signal,
      options: { ...options, guests: image ? "qemu" : "sim" },
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    screen.say("interrupted");
    return 130;
  } finally {
    await fleet.close();
    screen.say("removed: agents, guests, networks, files");
  }
}

async function perform(run: Run): Promise<number> {
  const { json, keep, guests } = run.options;
  const summary = await demonstrate(run, guests);
  if (keep) await goOn(run);
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  return summary.secondsToLevel !== null && summary.ticksLost === 0 ? 0 : 1;
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      guests: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return null;
  }
  const { json, keep, guests } = values;
  if (guests !== undefined && guests !== "qemu" && guests !== "sim") {
    throw new RangeError(`--guests wants qemu or sim, not "${guests}"`);
  }
  return { json, keep, guests };
}

/** The real guests' files; null, with the reason said, where they cannot be had. */
async function imageOrNull(screen: Screen): Promise<GuestImage | null> {
  screen.progress("making the guest (a Debian kernel and a program that counts) …");
  try {
    return await guestImage();
  } catch (error) {
    const words = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    screen.say(`no real guests here (${words}): the guests of this run are simulated`);
    return null;
  }
}

function makeFleet(image: GuestImage | null): AgentFleet {
  const hypervisor =
    image === null ? { driver: "sim" } : { driver: "qemu", storageRoots: [DEMO_GUEST_FOLDER] };
  return new AgentFleet({
    count: HOSTS,
    network: canMakeNamespaces() ? "namespaces" : "loopback",
    settings: { hypervisor, capacity: CAPACITY },
  });
}

async function demonstrate(run: Run, kind: Summary["guests"]): Promise<Summary> {
  const { screen, fleet, guests, signal } = run;
  const levelling = new Levelling();
  screen.heading(
    `Starting ${HOSTS} agents, with the same key and no other knowledge of each other`,
  );
  await untilAborted(fleet.startAll(), signal);
  const joinedMs = await untilAborted(fleet.joined(), signal);
  screen.say(`all see all, ${(joinedMs / 1000).toFixed(1)} s after the last answered`);
  screen.heading(`Starting ${GUESTS} ${kind} guests, all on ${fleet.host(1).name}`);
  for (const name of guests.names) {
    screen.progress(`starting ${name} …`);
    await untilAborted(guests.start(fleet.host(1), name), signal);
  }
  await untilBooted(run);
  for (let look = 0; look < LOOKS_BEFORE; look += 1) levelling.add(await lookAt(run));
  screen.heading("evenkeel act: from here on they decide among themselves");
  levelling.began(performance.now());
  await fleet.host(1).api.post("/v1/mode", { mode: "act" });
  const last = await untilLevel(run, levelling);
  const counts = await guests.counts(fleet);
  const summary = summaryOf({ kind, levelling, last, counts });
  tell(screen, { summary, last, counts });
  return summary;
}

/** Until the guests have booted and their load says so. */
async function untilBooted(run: Run): Promise<void> {
  const endMs = performance.now() + BOOT_MS_MAX;
  let least = -1;
  while (least < BOOTED_TICKS) {
    if (performance.now() > endMs) throw new Error("the guests did not boot in time");
    await lookAt(run);
    least = Math.min(...(await run.guests.counts(run.fleet)).map(({ ticks }) => ticks));
  }
}

async function untilLevel(run: Run, levelling: Levelling): Promise<Observation> {
  const endMs = performance.now() + LEVEL_MS_MAX;
  while (true) {
    const seen = await lookAt(run);
    levelling.add(seen);
    if (levelling.isDone || performance.now() > endMs) return seen;
  }
}

/** Shows the fleet as it is after the next pause. */
async function lookAt({ screen, observer, signal }: Run): Promise<Observation> {
  await pause(LOOK_MS, undefined, { signal });
  const seen = await observer.look();
  screen.show(pictureOf(seen));
  return seen;
}

interface Ending {
  readonly kind: Summary["guests"];
  readonly levelling: Levelling;
  readonly last: Observation;
  readonly counts: readonly GuestCount[];
}

function summaryOf({ kind, levelling, last, counts }: Ending): Summary {
  const moved = last.outcomes.filter(({ result }) => result === "moved");
  const downtimes = moved.map(({ downtimeMs }) => downtimeMs).filter((ms) => ms !== null);
  return {
    hosts: HOSTS,
    guests: kind,
    moves: moved.length,
    cpuSdBefore: rounded(levelling.cpuSdBefore, 3),
    cpuSdAfter: rounded(levelling.cpuSdAfter, 3),
    downtimeMsMax: downtimes.length === 0 ? null : rounded(Math.max(...downtimes), 1),
    ticksLost: counts.reduce((sum, count) => sum + count.ticksLost, 0),
    secondsToLevel: rounded(levelling.secondsToLevel, 1),
  };
}

function rounded<Value extends number | null>(value: Value, digits: number): Value {
  return (value === null ? null : Number(value.toFixed(digits))) as Value;
}

function tell(
  screen: Screen,
  { summary, last, counts }: Omit<Ending, "kind" | "levelling"> & { summary: Summary },
): void {
  screen.heading("What was measured");
  for (const outcome of last.outcomes) screen.say(`  ${outcomeLine(outcome)}`);
  const { cpuSdBefore, cpuSdAfter, secondsToLevel, moves, ticksLost } = summary;
  const end = cpuSdAfter === null ? "not level in time" : `${cpuSdAfter} after ${secondsToLevel} s`;
  screen.say(
    `spread of CPU (standard deviation of the hosts' shares): ${cpuSdBefore}, then ${end}`,
  );
  const ticks = counts.reduce((sum, count) => sum + count.ticks, 0);
  screen.say(`${moves} moves; the guests counted ${ticks} ticks, ${ticksLost} lost or repeated`);
}

async function goOn(run: Run): Promise<void> {
  const { screen, fleet, signal } = run;
  screen.heading("The agents go on until ^C. Talk to them from another terminal, for example:");
  for (const { socketPath } of fleet.hosts) {
    screen.say(`  npm run -s evenkeel -- --socket ${socketPath} status`);
  }
  while (!signal.aborted) await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
}

await runDemo(main);
