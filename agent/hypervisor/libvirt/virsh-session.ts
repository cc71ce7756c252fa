import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "#agent/ports/clock.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { virshLine } from "./virsh-command.ts";
import { virshError } from "./virsh-error.ts";

/** A daemon that is busy answers within this; one that hangs does not. */
const ANSWER_MS_MAX = 15_000;
/** More than domstats of thousands of guests. */
const ANSWER_LENGTH_MAX = 32 << 20;
const QUEUE_MAX = 256;

export interface VirshParts {
  readonly virsh: string;
  readonly uri: string;
  readonly clock: Clock;
}

/** virsh for a parser: no colours, no history, no locale, nothing of ours. */
export const virshEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
  TERM: "dumb",
  VIRSH_HISTSIZE: "0",
  HOME: "/nonexistent",
} as const;

interface Question {
  readonly line: string;
  readonly doing: string;
  readonly msMax: number;
  readonly answered: (text: string) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * One virsh that stays: asked through its own command loop, so that a sample costs no process and no
 * new connection. Questions are answered in their order, one at a time. When the daemon goes away
 * the process is given up, and the next question begins with a new one.
 */
export class VirshSession {
  readonly #parts: VirshParts;
  readonly #queue: Question[] = [];
  #process: ChildProcess | undefined;
  #asked: Question | undefined;
  #marks = 0;
  #out = "";
  #err = "";
  #forget: (() => void) | undefined;
  #isClosed = false;

  constructor(parts: VirshParts) {
    this.#parts = parts;
  }

  /** What virsh prints on the command. Rejects with HypervisorError; bounded in time. */
  ask(words: readonly string[], msMax = ANSWER_MS_MAX): Promise<string> {
    if (this.#isClosed) return Promise.reject(stopped());
    if (this.#queue.length >= QUEUE_MAX) {
      const message = `${QUEUE_MAX} questions to libvirt wait already: it does not keep up`;
      return Promise.reject(new HypervisorError(message, { code: "TIMED_OUT" }));
    }
    return new Promise((answered, failed) => {
      const doing = `virsh ${words[0]}`;
      this.#queue.push({ line: virshLine(words), doing, msMax, answered, failed });
      this.#next();
    });
  }

  /** Ends the process; what waits is rejected. */
  close(): void {
    this.#isClosed = true;
    const waiting = this.#queue.splice(0);
    this.#giveUp(stopped());
    for (const { failed } of waiting) failed(stopped());
  }

  #next(): void {
    if (this.#asked !== undefined) return;
    const question = this.#queue.shift();
    if (question === undefined) return;
    this.#asked = question;
    this.#marks += 1;
    [this.#out, this.#err] = ["", ""];
    const child = this.#process ?? this.#start();
    this.#forget = this.#parts.clock.after(question.msMax, () => {
      const words = `${question.doing}: libvirt did not answer within ${question.msMax} ms`;
      this.#giveUp(new HypervisorError(words, { code: "TIMED_OUT" }));
    });
    const mark = this.#mark();
    child.stdin?.write(`${question.line}\necho ${mark}\necho --err ${mark}\n`);
  }

  #start(): ChildProcess {
    const child = spawn(this.#parts.virsh, ["-q", "-c", this.#parts.uri], {
      stdio: ["pipe", "pipe", "pipe"],
      env: virshEnvironment,
    });
    this.#process = child;
    const mine = () => this.#process === child;
    child.stdin?.on("error", () => undefined);
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (mine()) this.#heard(text, "");
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (mine()) this.#heard("", text);
    });
    const gone = (cause?: unknown) => {
      if (mine()) this.#giveUp(virshError(this.#doing(), this.#said(cause), cause));
    };
    child.once("error", gone);
    child.once("close", () => gone());
    return child;
  }

  #heard(out: string, err: string): void {
    this.#out += out;
    this.#err += err;
    if (this.#out.length + this.#err.length > ANSWER_LENGTH_MAX) {
      const words = `${this.#doing()}: the answer is longer than ${ANSWER_LENGTH_MAX} bytes`;
      this.#giveUp(new HypervisorError(words, { code: "COMMAND_FAILED" }));
      return;
    }
    const mark = this.#mark();
    const errEnd = this.#err.indexOf(`error: ${mark}\n`);
    // virsh echoes what it is told, after its prompt: the answer ends where the next echo begins.
    const outEnd = this.#out.indexOf(`virsh # echo ${mark}`);
    const isWhole = errEnd >= 0 && this.#out.includes(`virsh # echo --err ${mark}`);
    if (isWhole && outEnd >= 0) this.#answer(outEnd, errEnd);
  }

  #answer(outEnd: number, errEnd: number): void {
    const question = this.#asked;
    const said = this.#err.slice(0, errEnd).trim();
    const printed = this.#out.slice(this.#out.indexOf("\n") + 1, outEnd);
    if (question === undefined) return;
    if (said === "" || !said.includes("error:")) {
      this.#done();
      question.answered(printed);
      this.#next();
      return;
    }
    const error = virshError(question.doing, said);
    if (error.code === "HYPERVISOR_MISSING") {
      this.#giveUp(error);
      return;
    }
    this.#done();
    question.failed(error);
    this.#next();
  }

  #done(): void {
    this.#forget?.();
    this.#forget = undefined;
    this.#asked = undefined;
  }

  /** The process is of no use any more: whoever was answered last is not known. */
  #giveUp(error: HypervisorError): void {
    const question = this.#asked;
    this.#done();
    const child = this.#process;
    this.#process = undefined;
    child?.kill("SIGKILL");
    question?.failed(error);
    this.#next();
  }

  #doing(): string {
    return this.#asked?.doing ?? "virsh";
  }

  #said(cause: unknown): string {
    const missing = (cause as { code?: unknown } | undefined)?.code === "ENOENT";
    if (missing) return "failed to connect: virsh is not installed (apt install libvirt-clients)";
    return this.#err.trim() || "failed to connect: virsh ended";
  }

  #mark(): string {
    return `ek-end-${this.#marks}`;
  }
}

function stopped(): HypervisorError {
  return new HypervisorError("the driver is stopped", { code: "HYPERVISOR_MISSING" });
}
