import type { SwitchErrorCode } from "./switch-error.ts";

/** What HAProxy's words mean, and the remedy; the first that matches counts. */
const REFUSALS: readonly {
  readonly words: RegExp;
  readonly code: SwitchErrorCode;
  readonly remedy: string;
}[] = [
  {
    words: /^Permission denied/,
    code: "SWITCH_REFUSED",
    remedy: "the socket's level is too low: say `level admin` at `stats socket` in haproxy.cfg",
  },
  {
    words: /^(No such backend|No such proxy|Can't find backend)/,
    code: "BACKEND_ABSENT",
    remedy: "add a `backend` section of this name to haproxy.cfg",
  },
  {
    words: /dynamic load balancing|static LB algorithm/,
    code: "BACKEND_STATIC",
    remedy: "give the backend `balance roundrobin` or `balance leastconn` in haproxy.cfg",
  },
  {
    words: /^No such server/,
    code: "SERVER_ABSENT",
    remedy: "somebody else removed it, or HAProxy was restarted: it is added at the next look",
  },
  {
    words: /^Already exists a server/,
    code: "SERVER_EXISTS",
    remedy: "somebody else added it: it is taken as it is at the next look",
  },
  {
    words: /^Only servers in maintenance/,
    code: "SERVER_STATE",
    remedy: "set it to maint first",
  },
  {
    words: /still has connections/,
    code: "SERVER_BUSY",
    remedy: "it goes when they have ended",
  },
  {
    words: /^Unknown command|experimental/,
    code: "COMMAND_FAILED",
    remedy: "servers can be added from HAProxy 2.5 on: install 2.6 or later",
  },
];

/** The code and the remedy for what HAProxy answered instead of what was expected. */
export function refusalOf(answer: string): { code: SwitchErrorCode; words: string } {
  const said = answer.trim().split("\n")[0]?.slice(0, 200) ?? "";
  const quoted = `HAProxy says ${JSON.stringify(said)}`;
  const known = REFUSALS.find(({ words }) => words.test(said));
  if (known === undefined) return { code: "COMMAND_FAILED", words: quoted };
  return { code: known.code, words: `${quoted}: ${known.remedy}` };
}
