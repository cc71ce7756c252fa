/**
 * evenkeel's agent: one process a host.
 *
 * Responsible for: joining the other agents, telling them this host's load and VMs, agreeing with
 * them on moves and carrying out this host's half, operators' verbs from the local socket.
 *
 * How it works, in order: command line and file become one checked configuration; compose.ts makes
 * the parts; the journal is read and open moves are resolved; guests that run are found again; then
 * the network is joined and the sockets answer, and systemd is told READY.
 *
 * What it never does: run a guest inside itself (guests outlive it), act without a cluster key,
 * start a VM that its journal gave away, or go on after a failed journal write: it ends, and the
 * next start reads the truth.
 */
import { parseArgs } from "node:util";
import { compose } from "./compose.ts";
import { loadConfig } from "./config/load.ts";
import { daemonExitCodes, exitCodeOf } from "./os/exit-codes.ts";
import { JsonLog } from "./os/json-log.ts";
import { SdNotify } from "./os/sd-notify.ts";
import { SystemClock } from "./os/system-clock.ts";
import { ownVersion } from "./own-version.ts";

const help = `Usage: evenkeel-agent [--config FILE] [--state-dir DIR] [--socket PATH] [--key FILE]
                      [--name NAME] [--log-level debug|info|warn|error]

Example: evenkeel-agent --state-dir /var/lib/evenkeel --key /etc/evenkeel/cluster.key
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      config: { type: "string" },
      "state-dir": { type: "string" },
      socket: { type: "string" },
      key: { type: "string" },
      name: { type: "string" },
      "log-level": { type: "string" },
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
    },
  });
  if (values.help || values.version) {
    process.stdout.write(values.help ? help : `${ownVersion()}\n`);
    return;
  }
  const config = loadConfig({
    path: values.config,
    flags: {
      name: values.name,
      stateDirectory: values["state-dir"],
      socket: values.socket,
      keyFile: values.key,
      logLevel: values["log-level"],
    },
  });
  const log = new JsonLog({ level: config.log.level });
  const clock = new SystemClock();
  const notify = SdNotify.fromEnvironment({ clock, log });
  const failed = (error: unknown) => {
    log.write("error", `the agent ends: ${lineOf(error)}`, { error });
    process.exit(exitCodeOf(error));
  };
  process.on("uncaughtException", failed);
  process.on("unhandledRejection", failed);
  const agent = compose({ config, agentVersion: ownVersion(), clock, log, notify, failed });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      void notify.stopping();
      agent.stop().then(() => process.exit(daemonExitCodes.ok), failed);
    });
  }
  await agent.start();
  log.write("info", `evenkeel ${ownVersion()} runs as ${config.name}`, { socket: config.socket });
  await notify.ready(`runs as ${config.name}`);
}

function lineOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

main().catch((error: unknown) => {
  process.stderr.write(`evenkeel: ${lineOf(error)}\n`);
  process.exit(exitCodeOf(error));
});
