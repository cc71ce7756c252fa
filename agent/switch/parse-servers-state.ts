import type { ServerState } from "#lib/model/switch.ts";
import { AnswerFault, columnsOf, readName, readWhole, wholeLines } from "./answer-fault.ts";
import { canonicalAddress } from "./canonical-address.ts";

/** Format that HAProxy 2.x writes, in the first line. */
const STATE_FILE_VERSION = "1";
const COLUMNS = [
  "be_name",
  "srv_name",
  "srv_addr",
  "srv_port",
  "srv_admin_state",
  "srv_uweight",
] as const;
/** Forced by command, inherited from a tracked server, by DNS, by a lost address (SRV_ADMF_*). */
const MAINT_BITS = 0x01 | 0x02 | 0x20 | 0x40;
/** Forced by command, inherited from a tracked server. */
const DRAIN_BITS = 0x08 | 0x10;

export interface ServerStateLine {
  readonly backend: string;
  readonly name: string;
  /** Null while HAProxy has no address for it. */
  readonly address: string | null;
  readonly port: number;
  readonly state: ServerState;
  readonly weight: number;
}

/** Reads the answer to `show servers state`. Throws AnswerFault when it is not one. */
export function parseServersState(answer: string): ServerStateLine[] {
  const [version, header, ...lines] = wholeLines(answer);
  if (version !== STATE_FILE_VERSION || !header?.startsWith("# ")) {
    throw new AnswerFault("it does not begin as the state of servers does");
  }
  const names = header.slice(2).trimEnd().split(" ");
  const places = columnsOf(names, COLUMNS);
  return lines.map((line) => {
    const fields = line.trimEnd().split(" ");
    if (fields.length !== names.length) {
      throw new AnswerFault(`a line of ${fields.length} fields where ${names.length} belong`);
    }
    const at = (column: (typeof COLUMNS)[number]) => fields[places[column]];
    return {
      backend: readName(at("be_name"), "a backend"),
      name: readName(at("srv_name"), "a server"),
      address: readAddress(at("srv_addr")),
      port: readWhole(at("srv_port"), "a port"),
      state: stateOf(readWhole(at("srv_admin_state"), "a state")),
      weight: readWhole(at("srv_uweight"), "a weight"),
    };
  });
}

function readAddress(text: string | undefined): string | null {
  if (text === "-") return null;
  // A server on a UNIX socket has a path here: it is the admin's, and no member is reached so.
  return canonicalAddress(text ?? "") ?? null;
}

function stateOf(admin: number): ServerState {
  if ((admin & MAINT_BITS) !== 0) return "maint";
  return (admin & DRAIN_BITS) === 0 ? "ready" : "drain";
}
