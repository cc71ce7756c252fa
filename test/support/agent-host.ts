import { type ChildProcess, spawn } from "node:child_process";
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { AgentApi } from "./agent-api.ts";
import { eventually } from "./eventually.ts";
import { channelPids, type GuestProcess, guestProcesses } from "./host-processes.ts";

const checkout = resolve(import.meta.dirname, "../..");
const NODE = join(checkout, "node_modules/.bin/node");
const ENTRIES = {
  source: join(checkout, "agent/main.ts"),
  bundle: join(checkout, "dist/agent.mjs"),
} as const;

/** Longest from exec to an answering socket on a busy machine. */
const START_MS_MAX = 30_000;

export interface AgentHostOptions {
  /** Folder of the fleet; this host's own lies in it. */
  readonly folder: string;
  readonly name: string;
  /** null for no key at all. */
  readonly keyFile: string | null;
  /** The configuration file's content; null for none. JSON is YAML, too. */
  readonly settings: Readonly<Record<string, unknown>> | null;
  readonly from: keyof typeof ENTRIES;
  readonly flags?: readonly string[];
  /** Number of the user, and of its group, that its files are to belong to; absent for root's. */
  readonly owner?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Makes the command that runs on this host: in its namespace, or as it is. */
  readonly commandOn: (command: readonly string[]) => { file: string; args: readonly string[] };
}

export interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One host of a fleet: a real agent process, started and struck from outside. */
export class AgentHost {
  readonly name: string;
  readonly stateDirectory: string;
  readonly socketPath: string;
  readonly readSocketPath: string;
  readonly logPath: string;
  readonly api: AgentApi;
  readonly #options: AgentHostOptions;
  #process: ChildProcess | null = null;
  #ended: Promise<ProcessEnd> = Promise.resolve({ code: null, signal: null });

  constructor(options: AgentHostOptions) {
    const { folder, name } = options;
    this.#options = options;
    this.name = name;
    this.stateDirectory = join(folder, name);
    this.socketPath = join(folder, `${name}.sock`);
    this.readSocketPath = join(folder, `${name}-read.sock`);
    this.logPath = join(folder, `${name}.log`);
    this.api = new AgentApi(this.socketPath);
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error(`the agent of ${this.name} does not run`);
    return pid;
  }

  get running(): boolean {
    return this.#process !== null;
  }

  /** How the last process ended, once it has. */
  get ended(): Promise<ProcessEnd> {
    return this.#ended;
  }

  /** Starts the process and does not wait for it. */
  spawn(): void {
    if (this.#process) throw new Error(`the agent of ${this.name} runs already`);
    const { file, args } = this.#options.commandOn([NODE, ...this.#arguments()]);
    mkdirSync(this.stateDirectory, { recursive: true, mode: 0o700 });
    this.#give(this.stateDirectory);
    const log = openSync(this.logPath, "a");
    const child = spawn(file, args, {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...this.#options.environment },
    });
    closeSync(log);
    this.#process = child;
    this.#ended = new Promise((settle) => {
      child.once("error", () => settle({ code: null, signal: null }));
      child.once("close", (code, signal) => settle({ code, signal }));
    });
    void this.#ended.then(() => {
      if (this.#process === child) this.#process = null;
    });
  }

  /** Starts the process and waits until its socket answers. Throws with its last words if it ends. */
  async start(): Promise<void> {
    this.spawn();
    await this.answers();
  }

  async answers(): Promise<void> {
    const holds = async () => {
      if (!this.running) return true;
      return existsSync(this.socketPath) && (await this.api.status()).name !== "";
    };
    await eventually(`${this.name} answers`, holds, { limitMs: START_MS_MAX });
    if (!this.running) {
      throw new Error(`the agent of ${this.name} ended at once: ${this.log().slice(-600)}`);
    }
  }

  /** Sends the signal and waits for the end of the process. */
  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<ProcessEnd> {
    this.#process?.kill(signal);
    return this.#ended;
  }

  pause(): void {
    process.kill(this.pid, "SIGSTOP");
  }

  goOn(): void {
    process.kill(this.pid, "SIGCONT");
  }

  /** Everything it has said, starts and ends included. */
  log(): string {
    return existsSync(this.logPath) ? readFileSync(this.logPath, "utf8") : "";
  }

  logLines(): readonly LogLine[] {
    return this.log()
      .split("\n")
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as LogLine];
        } catch {
          return line === "" ? [] : [{ msg: line }];
        }
      });
  }

  /** Real guests whose processes live on this host. */
  guests(): readonly GuestProcess[] {
    return guestProcesses(this.stateDirectory);
  }

  /** Undefined when this host has none of that name. */
  guestPid(vm: string): number | undefined {
    return this.guests().find((process) => process.vm === vm)?.pid;
  }

  /** kill -9 of a guest; false when this host has none of that name. */
  killGuest(vm: string): boolean {
    const pid = this.guestPid(vm);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    return pid !== undefined;
  }

  channelPids(): readonly number[] {
    return this.running ? channelPids(this.pid) : [];
  }

  serialPath(vm: string): string {
    return join(this.stateDirectory, "serial", `${vm}.log`);
  }

  #arguments(): string[] {
    const { from, keyFile, settings, flags = [] } = this.#options;
    const words = [ENTRIES[from], "--state-dir", this.stateDirectory, "--socket", this.socketPath];
    if (keyFile !== null) words.push("--key", keyFile);
    words.push("--name", this.name);
    if (settings !== null) words.push("--config", this.#writeConfig(settings));
    return [...words, ...flags];
  }

  #writeConfig(settings: Readonly<Record<string, unknown>>): string {
    const path = join(this.#options.folder, `${this.name}.yaml`);
    writeFileSync(path, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
    this.#give(path);
    return path;
  }

  #give(path: string): void {
    const { owner } = this.#options;
    if (owner !== undefined) chownSync(path, owner, owner);
  }
}
