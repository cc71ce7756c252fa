import type { Config } from "../../config/config.ts";
import type { MemberAnswer } from "../answers.ts";
import type { VerbContext } from "../verb-context.ts";
import type { AgentUser } from "./agent-user.ts";

/** `fail` would hurt; `warn` may be meant so. */
export type FindingLevel = "ok" | "warn" | "fail";

/** What one look at the host found. */
export interface Finding {
  readonly check: string;
  readonly level: FindingLevel;
  /** What was found, with the value. */
  readonly detail: string;
  /** What to do about it; empty when all is well. */
  readonly remedy: string;
}

interface DoctorScene {
  readonly config: Config;
  readonly context: VerbContext;
  /** True when an agent answered on the socket. */
  readonly agentAnswers: boolean;
  /** Whom that agent knows, itself too; none where it does not answer. */
  readonly members: readonly MemberAnswer[];
  /** Whom the agent runs as; null where none runs. */
  readonly agentUser: AgentUser | null;
}

/** One or more looks at the same thing. Never rejects for what it looks at. */
export type Check = (scene: DoctorScene) => Promise<readonly Finding[]>;

export function ok(check: string, detail: string): Finding {
  return { check, level: "ok", detail, remedy: "" };
}

export function warn(check: string, detail: string, remedy: string): Finding {
  return { check, level: "warn", detail, remedy };
}

export function fail(check: string, detail: string, remedy: string): Finding {
  return { check, level: "fail", detail, remedy };
}

/** The words of whatever was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
