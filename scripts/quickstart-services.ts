/**
 * A web service whose members sleep on every host: the second half of `scripts/quickstart --services`.
 *
 * Responsible for: the whole demonstration once everything is installed: three real agents, a real
 * HAProxy, members that are real QEMU guests, a crowd of requests, a summary of what was measured.
 * How: as root each host is a network namespace with a bridge for its guests; else all of them share
 * the loopback. Agents stage, resume and suspend as they see fit: nothing here tells them to.
 * It never leaves anything behind: a guard process removes agents, guests, HAProxy, namespaces and
 * files when this one ends, in whatever way.
 */
import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type GuestImage, guestImage } from "./lab/guest-image.ts";
import { runDemo } from "./levelling/run-demo.ts";
import { Screen } from "./levelling/screen.ts";
import { untilAborted } from "./levelling/until-aborted.ts";
import { DemoCluster } from "./services/demo-cluster.ts";
import { hasHaproxy } from "./services/demo-haproxy.ts";
import { ServicesDemo, type ServicesSummary } from "./services/services-demo.ts";

const help = `Usage: scripts/quickstart --services [--json] [--picture FILE.svg] [--help]

Three hosts on this machine, an HAProxy, and a web service that is declared once: a member
of it is staged on each host, one runs, the others sleep on disk. A crowd of requests comes
and goes: watch members wake and go back to sleep. Everything is removed at the end, also on ^C.

  --json              the last line on standard output is one JSON object with what was measured
  --picture FILE.svg  draw demand, serving members and latency over time into this file
  --help              this text

Example: scripts/quickstart --services --picture crowd.svg
`;

interface Options {
  readonly json: boolean;
  readonly picture: string | undefined;
}

async function main(signal: AbortSignal): Promise<number> {
  const options = readOptions();
  if (options === null) return 0;
  const screen = new Screen(options.json ? process.stderr : process.stdout, process.env);
  const image = await imageOrNull(screen);
  if (image === null) return 1;
  const cluster = new DemoCluster(image);
  const demo = new ServicesDemo(cluster, screen, signal);
  try {
    const summary = await untilAborted(demo.perform(), signal);
    tell(screen, summary);
    if (options.picture !== undefined) {
      writeFileSync(options.picture, demo.plot());
      screen.say(`the picture is ${options.picture}`);
    }
    if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
    return summary.requestsLost === 0 ? 0 : 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    screen.say("interrupted");
    return 130;
  } finally {
    await demo.close();
    await cluster.close();
    screen.say("removed: agents, guests, HAProxy, networks, files");
  }
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      services: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      picture: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return null;
  }
  const { json, picture } = values;
  if (picture !== undefined && !picture.endsWith(".svg")) {
    throw new RangeError(`--picture wants a file name that ends in .svg, not "${picture}"`);
  }
  return { json, picture: picture && pictureFile(picture) };
}

/** Seen as the caller sees it. Throws at once where nothing can be written: the run takes minutes. */
function pictureFile(name: string): string {
  const file = resolve(process.env["QUICKSTART_CALLER_FOLDER"] ?? ".", name);
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (cause) {
    throw new RangeError(`--picture: nothing can be written to ${dirname(file)}`, { cause });
  }
  return file;
}

/** The members' files; null, with the reason and the remedy said, where members cannot run. */
async function imageOrNull(screen: Screen): Promise<GuestImage | null> {
  if (!hasHaproxy()) {
    screen.say("there is no /usr/sbin/haproxy: run `apt-get install haproxy` as root");
    return null;
  }
  screen.progress("making the guest (a Debian kernel and a small web server) …");
  try {
    return await guestImage();
  } catch (error) {
    const words = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    screen.say(`members cannot run here (${words}): run \`scripts/lab/install-qemu.sh\` as root`);
    return null;
  }
}

function tell(screen: Screen, summary: ServicesSummary): void {
  const shown = (value: number | null, unit: string) => (value === null ? "-" : `${value} ${unit}`);
  const { resumeMsMedian, resumeMsMax, bootMsMedian, secondsToRecover } = summary;
  screen.heading("What was measured");
  const resumed = `${shown(resumeMsMedian, "ms")} (at worst ${shown(resumeMsMax, "ms")})`;
  screen.say(
    `a sleeping member takes requests ${resumed} after its host decided; its boot took ${shown(bootMsMedian, "ms")}`,
  );
  screen.say(`${summary.membersMin} to ${summary.membersMax} members served`);
  screen.say(`${summary.requests} requests, ${summary.requestsLost} lost`);
  const { p99MsBefore, p99MsCrowd } = summary;
  screen.say(
    `p99 ${shown(p99MsBefore, "ms")} before the crowd, ${shown(p99MsCrowd, "ms")} within it`,
  );
  const recovered = secondsToRecover === null ? "not again" : `after ${secondsToRecover} s`;
  screen.say(`every second's p99 was under the target: ${recovered}`);
}

await runDemo(main);
