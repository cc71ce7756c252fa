import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ApiLimits } from "#agent/api/api-limits.ts";
import { startApi } from "#agent/api/server.ts";
import type { LogLevel } from "#agent/ports/log.ts";
import { FakeAgentView } from "./fake-agent-view.ts";

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A directory of its own for one test, removed afterwards. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "evenkeel-api-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Both real sockets over a fake agent, for one test. */
export async function apiFixture(limits: Partial<ApiLimits> = {}) {
  const directory = temporaryDirectory();
  const paths = {
    socketPath: join(directory, "evenkeel.sock"),
    readSocketPath: join(directory, "read.sock"),
  };
  const view = new FakeAgentView();
  const lines: LogLine[] = [];
  const log = {
    write(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>> = {}) {
      lines.push({ level, message, facts });
    },
  };
  const api = await startApi({ paths, view, log, limits });
  onTestFinished(() => api.stop());
  return { ...paths, directory, view, log, lines, api };
}
