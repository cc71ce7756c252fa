import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { type Check, type Finding, fail, ok, wordsOf } from "./finding.ts";

/** The ports that members reach this host on: free, or held by the agent that runs here. */
export const checkPorts: Check = async ({ config, agentAnswers }) => {
  const { address, port, probePort, channelPortMin, channelPortMax } = config.listen;
  const gossip = await tryTcp(address, port);
  const probes = await tryUdp(address, probePort);
  const channel = channelPortMin === 0 ? "any free" : `${channelPortMin}-${channelPortMax}`;
  return [
    findingOf(`TCP ${port} (gossip)`, gossip, agentAnswers),
    findingOf(`UDP ${probePort} (probes)`, probes, agentAnswers),
    ...(await channelFindings(config.listen)),
    ok("ports", `open these in a firewall, and TCP ${channel} (moves), UDP 5353 (mDNS)`),
  ];
};

/** One port is needed for each move under way; the agent takes whichever is free. */
async function channelFindings(listen: {
  readonly address: string;
  readonly channelPortMin: number;
  readonly channelPortMax: number;
}): Promise<readonly Finding[]> {
  const { address, channelPortMin, channelPortMax } = listen;
  if (channelPortMin === 0) return [];
  for (let port = channelPortMin; port <= channelPortMax; port += 1) {
    if ((await tryTcp(address, port)) === null) return [];
  }
  const detail = `TCP ${channelPortMin}-${channelPortMax} (moves): every one is taken`;
  const remedy = "ss -lntp shows by whom: stop that, or set listen.channelPortMin and -Max";
  return [fail("ports", detail, remedy)];
}

function findingOf(name: string, problem: Error | null, agentAnswers: boolean): Finding {
  if (problem === null) return ok("ports", `${name} is free`);
  const { code } = problem as NodeJS.ErrnoException;
  if (code === "EADDRINUSE" && agentAnswers) return ok("ports", `${name} is held by the agent`);
  if (code === "EADDRINUSE") {
    const remedy = "ss -lntup shows by whom: stop that, or set listen.port and listen.probePort";
    return fail("ports", `${name} is taken by another program`, remedy);
  }
  return fail("ports", `${name}: ${wordsOf(problem)}`, "set listen.address to one of this host's");
}

function tryTcp(host: string, port: number): Promise<Error | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

function tryUdp(address: string, port: number): Promise<Error | null> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.once("error", resolve);
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(null)));
  });
}
