import { createSocket } from "node:dgram";
import { connect } from "node:net";
import type { MemberAnswer } from "../answers.ts";
import { type Check, type Finding, fail, ok, wordsOf } from "./finding.ts";

const ANSWER_MS_MAX = 2_000;
/** Longest wait for the word that a datagram was refused; a firewall that drops sends none. */
const REFUSAL_MS_MAX = 300;
/** Members beyond these are not tried: the doctor is done in seconds on any cluster. */
const MEMBERS_MAX = 16;

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Gossip may reach a member by way of others; a move needs the direct way. */
export const checkPeers: Check = async ({ members }) => {
  const others = members.filter(({ self, state }) => !self && state === "alive");
  const tried = others.slice(0, MEMBERS_MAX).map(memberFindings);
  return (await Promise.all(tried)).flat();
};

async function memberFindings(member: MemberAnswer): Promise<readonly Finding[]> {
  const places = member.addresses.flatMap(placeOf);
  if (places.length === 0) return [];
  const tries = await Promise.all(
    places.map(async (place) => ({ place, problem: await tryTcp(place) })),
  );
  const open = tries.find(({ problem }) => problem === null)?.place;
  if (open === undefined) {
    const said = tries.map(({ place, problem }) => `${textOf(place)}: ${problem}`).join("; ");
    const remedy = `open TCP ${places[0]?.port} and the channel ports at ${member.name}, or set interface or migration.address there`;
    return [fail("peers", `${member.name} cannot be reached by TCP (${said})`, remedy)];
  }
  const refusal =
    member.probePort === null ? null : await tryUdp({ host: open.host, port: member.probePort });
  if (refusal !== null) {
    const remedy = `open UDP ${member.probePort} at ${member.name}: without it deaths are seen late`;
    return [fail("peers", `${member.name} refuses UDP ${member.probePort} (${refusal})`, remedy)];
  }
  return [ok("peers", `${member.name} answers at ${textOf(open)}`)];
}

/** Of `/ip4/10.0.0.1/tcp/7531`, with whatever follows. */
export function placeOf(address: string): readonly Place[] {
  const [, host, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? [];
  return host === undefined ? [] : [{ host, port: Number(port) }];
}

function textOf({ host, port }: Place): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function tryTcp({ host, port }: Place): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (problem: string | null) => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(ANSWER_MS_MAX, () => end(`no answer within ${ANSWER_MS_MAX} ms`));
    socket.once("error", (error) => end(wordsOf(error)));
    socket.once("connect", () => end(null));
  });
}

/** An empty datagram is dropped by an agent; where none listens, or a firewall rejects, word comes back. */
function tryUdp({ host, port }: Place): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const end = (problem: string | null) => {
      clearTimeout(limit);
      socket.close();
      resolve(problem);
    };
    const limit = setTimeout(() => end(null), REFUSAL_MS_MAX);
    socket.once("error", (error) => end(wordsOf(error)));
    socket.connect(port, host, () => socket.send(new Uint8Array(0)));
  });
}
