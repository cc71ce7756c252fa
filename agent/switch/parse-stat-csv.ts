import { AnswerFault, columnsOf, readName, readWhole, wholeLines } from "./answer-fault.ts";

const COLUMNS = ["pxname", "svname", "qcur", "scur", "slim", "type"] as const;
/** Values of `type`: a whole backend, one of its servers. */
const TYPE_BACKEND = 1;
const TYPE_SERVER = 2;

/** What counts now in one backend (`server` is null) or at one of its servers. */
export interface StatLine {
  readonly backend: string;
  readonly server: string | null;
  readonly sessions: number;
  /** Without the requests that wait for one server, in the line of a whole backend. */
  readonly queued: number;
  /** Null where there is no limit. */
  readonly connectionsMax: number | null;
}

/** Reads the CSV of `show stat`, backends and servers only. Throws AnswerFault when it is none. */
export function parseStatCsv(answer: string): StatLine[] {
  const [header, ...lines] = wholeLines(answer);
  if (!header?.startsWith("# ")) throw new AnswerFault("it does not begin as statistics do");
  const names = splitCsv(header.slice(2));
  const places = columnsOf(names, COLUMNS);
  return lines.flatMap((line) => {
    const fields = splitCsv(line);
    if (fields.length !== names.length) {
      throw new AnswerFault(`a line of ${fields.length} fields where ${names.length} belong`);
    }
    const at = (column: (typeof COLUMNS)[number]) => fields[places[column]];
    const type = readWhole(at("type"), "a type");
    if (type !== TYPE_BACKEND && type !== TYPE_SERVER) return [];
    return [
      {
        backend: readName(at("pxname"), "a backend"),
        server: type === TYPE_SERVER ? readName(at("svname"), "a server") : null,
        sessions: readWhole(at("scur"), "the sessions"),
        queued: readWhole(at("qcur"), "the queue"),
        connectionsMax: at("slim") === "" ? null : readWhole(at("slim"), "a limit"),
      },
    ];
  });
}

/** The fields of one line (RFC 4180): quoted where they hold commas, quotes doubled inside. */
function splitCsv(line: string): string[] {
  const fields: string[] = [];
  const field = /"((?:[^"]|"")*)"(?:,|$)|([^",]*)(?:,|$)/y;
  while (field.lastIndex < line.length) {
    const match = field.exec(line);
    if (match === null) throw new AnswerFault("a line that is no CSV");
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
  }
  return fields;
}
