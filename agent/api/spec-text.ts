import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { ApiError, BadRequestError } from "./api-error.ts";

/** How many faults of one file are told at once. */
const PROBLEMS_MAX = 5;

type Path = readonly (string | number)[];

/** What is wrong with one field; an empty path for the whole. */
export interface SpecProblem {
  readonly path: Path;
  readonly problem: string;
}

/** A YAML or JSON text that declares something, and where in it each field stands. */
export class SpecText {
  readonly #what: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;

  /** `what` the text declares, as refusals begin. Throws ApiError BAD_REQUEST when it is no YAML. */
  constructor(what: string, text: string) {
    this.#what = what;
    this.#document = this.#parse(text);
  }

  /** The value as the schema gives it. Throws ApiError BAD_REQUEST, each problem with line and field. */
  read<Schema extends z.ZodType>(schema: Schema): z.output<Schema> {
    const parsed = schema.safeParse(this.#plainValue());
    if (parsed.success) return parsed.data;
    throw this.refusal(parsed.error.issues.flatMap(problemsOf));
  }

  /** One sentence for each problem, with the line where its field stands. */
  refusal(problems: readonly SpecProblem[]): ApiError {
    return this.#refusal(
      problems.map(({ path, problem }) => {
        const field = path.length === 0 ? "" : `${path.join(".")}: `;
        return `${this.#lineOf(path)}${field}${problem}`;
      }),
    );
  }

  #parse(text: string): Document.Parsed {
    try {
      const options = { lineCounter: this.#lines, prettyErrors: false };
      const document = parseDocument(text, options);
      const [error] = document.errors;
      if (error === undefined) return document;
      const { line } = this.#lines.linePos(error.pos[0]);
      const hint = quotesMissingIn(text.split("\n")[line - 1] ?? "");
      throw this.#refusal([`line ${line}: ${error.message}${hint}`]);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw new BadRequestError(`${this.#what}: cannot be read as YAML`, { cause: error });
    }
  }

  #plainValue(): unknown {
    try {
      // Aliases can unfold a small text into a huge value, and a spec has no use for them.
      return this.#document.toJS({ maxAliasCount: 0 });
    } catch (error) {
      throw new BadRequestError(`${this.#what}: YAML aliases are not taken: write it out`, {
        cause: error,
      });
    }
  }

  /** "line 3: " of the field, or of the nearest one around it that is there. */
  #lineOf(path: Path): string {
    for (let depth = path.length; depth > 0; depth -= 1) {
      const offset = offsetOf(path.slice(0, depth), this.#document);
      if (offset !== undefined) return `line ${this.#lines.linePos(offset).line}: `;
    }
    return "";
  }

  #refusal(sentences: readonly string[]): ApiError {
    const shown = sentences.slice(0, PROBLEMS_MAX).join("; ");
    const more = sentences.length - PROBLEMS_MAX;
    return new BadRequestError(`${this.#what}: ${shown}${more > 0 ? `; and ${more} more` : ""}`);
  }
}

/** What YAML reads as its own unless it stands in quotes, and people write all the same. */
function quotesMissingIn(line: string): string {
  if (/[{,:]\s*\$\{/.test(line)) return `: between braces, put "\${key}" in quotes`;
  return /^\s*\*\s*:/.test(line) ? ': put "*" in quotes' : "";
}

function problemsOf(issue: z.core.$ZodIssue): readonly SpecProblem[] {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...path, key], problem: "unknown key" }));
  }
  if (issue.code === "invalid_key") {
    return issue.issues.map(({ message }) => ({ path, problem: message }));
  }
  if (issue.code === "invalid_union") {
    const nested = deepestIssue(issue);
    if (nested !== undefined) {
      return problemsOf({ ...nested, path: [...path, ...nested.path] });
    }
  }
  const isMissing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return [{ path, problem: isMissing ? `missing: expected ${issue.expected}` : issue.message }];
}

/** Of a union's failures the one that got furthest tells most about what was meant. */
function deepestIssue(issue: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue | undefined {
  return issue.errors
    .flat()
    .filter((nested) => nested.path.length > 0 || nested.code === "unrecognized_keys")
    .sort((a, b) => b.path.length - a.path.length)[0];
}

function offsetOf(path: Path, document: Document.Parsed): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last);
    return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}
