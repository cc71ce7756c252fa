import { statSync } from "node:fs";
import { isScalar, LineCounter, parseDocument } from "yaml";
import { ConfigError } from "./config-error.ts";

/** A YAML file's content, and where in it a setting stands. */
export interface YamlFile {
  readonly path: string;
  readonly value: Record<string, unknown>;
  /** Line (from 1) of the value at `key`, undefined when the file does not have it. */
  lineOf(key: readonly (string | number)[]): number | undefined;
}

/** Parses the text of `path`; an empty file has no settings. Throws ConfigError. */
export function readYaml(path: string, text: string, bytesMax: number): YamlFile {
  if (Buffer.byteLength(text) > bytesMax) {
    throw new ConfigError(`${path}: more than ${bytesMax} bytes: not a configuration`);
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [problem] = document.errors;
  if (problem) {
    const { line } = lineCounter.linePos(problem.pos[0]);
    throw new ConfigError(`${path}:${line}: not valid YAML: ${problem.message}`);
  }
  const value: unknown = toPlain(path, document);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigError(`${path}: expected settings, as "key: value", one a line`);
  }
  return {
    path,
    value: { ...value },
    lineOf: (key) => {
      const node: unknown = document.getIn(key, true);
      const range = isScalar(node) || hasRange(node) ? node.range : undefined;
      return range ? lineCounter.linePos(range[0]).line : undefined;
    },
  };
}

function toPlain(path: string, document: ReturnType<typeof parseDocument>): unknown {
  try {
    // A handful of aliases is enough for settings; a bomb of them is refused.
    return document.toJS({ maxAliasCount: 16 }) ?? {};
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${path}: not valid YAML: ${message}`, { cause });
  }
}

function hasRange(node: unknown): node is { range: [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}

export function fileExists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
