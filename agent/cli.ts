#!/usr/bin/env node
/**
 * The command `evenkeel`.
 *
 * Responsible for: turning one command line into requests to the agent's local socket, printing the
 * answers for people or (--json) programs, and the exit code: 0 done, 1 failed, 2 written wrongly,
 * 3 no agent reached.
 *
 * How: `run-command.ts` reads the words by the table in `verbs.ts`, loads the one file of the verb
 * that was asked for, and runs it with a client of the socket. This file only ties that to the
 * process: streams, signals, environment. `simulate`, `key` and `doctor` do their work in this process.
 *
 * It never: decides anything about VMs (the agents do), touches a hypervisor, or goes on by itself.
 * ^C ends the watching of a drain or a move, not the drain or the move.
 */

import { runCommand } from "./cli/run-command.ts";
import { systemState } from "./cli/system-state.ts";

const { stdout, stderr, env: environment } = process;

// `evenkeel vms | head -1` closes the pipe early: that is no failure.
for (const stream of [stdout, stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? 0 : 1);
  });
}

const isTerminal = stdout.isTTY === true && environment["TERM"] !== "dumb";
const locale = environment["LC_ALL"] || environment["LC_CTYPE"] || environment["LANG"] || "";

process.exitCode = await runCommand(process.argv.slice(2), {
  out: (line) => void stdout.write(`${line}\n`),
  err: (line) => void stderr.write(`${line}\n`),
  rewrite: (line) => void stdout.write(`\r\u001b[K${line.slice(0, (stdout.columns ?? 80) - 1)}`),
  live: isTerminal,
  coloured: isTerminal && !environment["NO_COLOR"],
  unicode: /utf-?8/i.test(locale),
  environment,
  systemState,
  nowMs: () => performance.now(),
  wait: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
  onInterrupt: (interrupted) => {
    process.on("SIGINT", interrupted);
    return () => void process.off("SIGINT", interrupted);
  },
});
