import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ApiClient } from "#agent/cli/api-client.ts";
import { socketPathsOf } from "#agent/cli/socket-paths.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");

/** A starved machine starts many agents slowly; an agent that is broken ends much sooner. */
const START_MS_MAX = 60_000;
const POLL_MS = 50;
/** The agent's own limits for stopping its parts are shorter. */
const STOP_MS_MAX = 20_000;
const LOG_TAIL_LINES = 5;

/** The agent from the sources: what `npm run agent` starts. */
export const agentFromSources: readonly string[] = [
  process.execPath,
  join(CHECKOUT, "agent/main.ts"),
];

/** The agent as the package installs it, with the unit's flags; `npm run build` makes it. */
export const agentFromBundle: readonly string[] = [
  process.execPath,
  "--max-semi-space-size=1",
  "--max-old-space-size=96",
  "--v8-pool-size=1",
  join(CHECKOUT, "dist/agent.mjs"),
];

export interface AgentProcessOptions {
  readonly name: string;
  /** Folder of everything of this agent: state, socket, configuration, log. */
  readonly folder: string;
  /** null: the agent is in the open. */
  readonly keyFile: string | null;
  /** The configuration file's content. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Program and first arguments; default: from the sources. */
  readonly command?: readonly string[];
  /** Put before the command, to run it on another "host": `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
}

/** One real agent on this machine, in a folder of its own. */
export class AgentProcess {
  readonly name: string;
  readonly socketPath: string;
  readonly stateDirectory: string;
  readonly logPath: string;
  readonly api: ApiClient;
  readonly #options: AgentProcessOptions;
  #child: ChildProcess | null = null;

  constructor(options: AgentProcessOptions) {
    this.#options = options;
    this.name = options.name;
    this.socketPath = join(options.folder, "agent.sock");
    this.stateDirectory = join(options.folder, "state");
    this.logPath = join(options.folder, "agent.log");
    this.api = new ApiClient(socketPathsOf(this.socketPath, {}));
  }

  /** Throws when it does not run. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined || !this.isRunning) throw new Error(`${this.name} does not run`);
    return pid;
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves when the socket answers; rejects with the log's end when the agent ends instead. */
  async start(): Promise<void> {
    this.#spawn();
    const endMs = performance.now() + START_MS_MAX;
    while (!(await this.#answers())) {
      if (!this.isRunning) throw new Error(`${this.name} ended at its start: ${this.logTail()}`);
      if (performance.now() > endMs) {
        throw new Error(`${this.name} does not answer after ${START_MS_MAX} ms: ${this.logTail()}`);
      }
      await delay(POLL_MS);
    }
  }

  kill(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child?.kill(signal);
  }

  /** Lets it leave; kills it when that takes too long. Its guests run on. */
  async stop(): Promise<void> {
    this.kill("SIGTERM");
    if (!(await this.#ended(STOP_MS_MAX))) this.kill("SIGKILL");
    await this.#ended(STOP_MS_MAX);
  }

  /** Lets this process end before the agent does. */
  letGo(): void {
    this.#child?.unref();
  }

  logTail(): string {
    const lines = readFileSync(this.logPath, "utf8").trimEnd().split("\n");
    return lines.slice(-LOG_TAIL_LINES).join("\n");
  }

  #spawn(): void {
    const {
      name,
      folder,
      keyFile,
      config,
      command = agentFromSources,
      prefix = [],
    } = this.#options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const configPath = join(folder, "evenkeel.yaml");
    // JSON is YAML.
    writeFileSync(configPath, JSON.stringify(config, null, 2));
    const [file = "", ...args] = [
      ...[...prefix, ...command, "--name", name, "--config", configPath],
      ...["--state-dir", this.stateDirectory, "--socket", this.socketPath],
      ...(keyFile === null ? [] : ["--key", keyFile]),
    ];
    const log = openSync(this.logPath, "a", 0o600);
    // A group of its own: ^C at the terminal is for whoever started the agents, not for them.
    this.#child = spawn(file, args, { stdio: ["ignore", log, log], detached: true });
    this.#child.on("error", () => undefined);
    closeSync(log);
  }

  async #answers(): Promise<boolean> {
    try {
      await this.api.get("/v1/members");
      return true;
    } catch {
      return false;
    }
  }

  async #ended(limitMs: number): Promise<boolean> {
    const endMs = performance.now() + limitMs;
    while (this.isRunning && performance.now() < endMs) await delay(POLL_MS);
    return !this.isRunning;
  }
}

function delay(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
