/**
 * One end of one migration channel, as a process of its own.
 *
 * Responsible for: carrying the bytes of one move between the hypervisor's UNIX socket and the
 * other host, over TLS 1.3 with a key of this move alone, within a bandwidth cap.
 *
 * How: reads one order from stdin, opens both sides, reports `ready`, carries, reports the end.
 * Memory traffic stays off the agent's loop, and the process ends when its stdin does, which is
 * when the agent dies by whatever cause: then the stream breaks and the guest runs on at the source.
 *
 * It never decides anything about a move, never outlives its agent, and writes no key anywhere.
 */
import { createInterface } from "node:readline";
import type { ChannelOrder, ChannelReport } from "./channel-order.ts";
import { serveConnectEnd } from "./connect-end.ts";
import { serveListenEnd } from "./listen-end.ts";

process.umask(0o077);
const lines = createInterface({ input: process.stdin });
lines.once("line", (line) => {
  const order: ChannelOrder = JSON.parse(line);
  serve(order).then(
    (carried) => finish({ report: "ended", ...carried }, 0),
    (error: unknown) =>
      finish({ report: "failed", problem: error instanceof Error ? error.message : "" }, 1),
  );
});
lines.once("close", () => process.exit(0));
// The agent may be gone before a report is written; its stdin tells, not this.
process.stdout.on("error", () => undefined);

function serve(order: ChannelOrder) {
  if (order.end === "listen") return serveListenEnd(order, (port) => report(readyAt(port)));
  return serveConnectEnd(order, () => report(readyAt(null)));
}

function readyAt(port: number | null): ChannelReport {
  return { report: "ready", port };
}

function report(message: ChannelReport): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function finish(message: ChannelReport, exitCode: number): void {
  process.stdout.write(`${JSON.stringify(message)}\n`, () => process.exit(exitCode));
}
