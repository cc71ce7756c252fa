import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { ApiError, BadRequestError } from "./api-error.ts";

/** How many faults of one file are told at once. */
const PROBLEMS_MAX = 5;

/**
 * The value of a YAML or JSON text as a schema gives it. Throws ApiError BAD_REQUEST, one problem a
 * sentence, each with its line and field.
 */
export function readSpecText<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
): z.output<Schema> {
  const lines = new LineCounter();
  const document = parse(text, lines);
  const parsed = schema.safeParse(plainValueOf(document));
  if (!parsed.success) {
    throw refusal(parsed.error.issues.flatMap((issue) => problemsOf(issue, document, lines)));
  }
  return parsed.data;
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed {
  try {
    const document = parseDocument(text, { lineCounter, prettyErrors: false });
    const [error] = document.errors;
    if (error === undefined) return document;
    throw refusal([`line ${lineCounter.linePos(error.pos[0]).line}: ${error.message}`]);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new BadRequestError("VM spec: cannot be read as YAML", { cause: error });
  }
}

function plainValueOf(document: Document.Parsed): unknown {
  try {
    // Aliases can unfold a small text into a huge value, and a spec has no use for them.
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw new BadRequestError("VM spec: YAML aliases are not taken: write it out", {
      cause: error,
    });
  }
}

function problemsOf(
  issue: z.core.$ZodIssue,
  document: Document.Parsed,
  lines: LineCounter,
): readonly string[] {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const place = [...path, key];
      return `${lineOf(place, document, lines)}${place.join(".")}: unknown key`;
    });
  }
  if (issue.code === "invalid_union") {
    const nested = deepestIssue(issue);
    if (nested !== undefined) {
      return problemsOf({ ...nested, path: [...path, ...nested.path] }, document, lines);
    }
  }
  const field = path.length === 0 ? "VM spec" : path.join(".");
  return [`${lineOf(path, document, lines)}${field}: ${issue.message}`];
}

/** Of a union's failures the one that got furthest tells most about what was meant. */
function deepestIssue(issue: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue | undefined {
  return issue.errors
    .flat()
    .filter((nested) => nested.path.length > 0 || nested.code === "unrecognized_keys")
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** "line 3: " of the field, or of the nearest one around it that is there. */
function lineOf(
  path: readonly (string | number)[],
  document: Document.Parsed,
  lines: LineCounter,
): string {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const offset = offsetOf(path.slice(0, depth), document);
    if (offset !== undefined) return `line ${lines.linePos(offset).line}: `;
  }
  return "";
}

function offsetOf(path: readonly (string | number)[], document: Document.Parsed) {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last);
    return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

export function refusal(problems: readonly string[]): ApiError {
  const shown = problems.slice(0, PROBLEMS_MAX).join("; ");
  const more = problems.length - PROBLEMS_MAX;
  return new BadRequestError(`VM spec: ${shown}${more > 0 ? `; and ${more} more` : ""}`);
}
