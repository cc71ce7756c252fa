import { execFileSync } from "node:child_process";
import type { AgentFleet } from "../../test/support/agent-fleet.ts";

/** Of every host: its own card is plugged into it, and its guests' are. */
export const BRIDGE = "br0";
const CARD = "eth0";

/** Gives each host, in its network namespace, a bridge that its guests can be plugged into. */
export function makeBridges(fleet: AgentFleet): void {
  for (const [index] of fleet.hosts.entries()) {
    const number = index + 1;
    const ip = (words: string) => run(fleet, number, ["ip", ...words.split(" ")]);
    const address = `${fleet.addressOf(number)}/24`;
    ip(`link add ${BRIDGE} type bridge mcast_snooping 0`);
    ip(`addr del ${address} dev ${CARD}`);
    ip(`link set ${CARD} master ${BRIDGE}`);
    ip(`addr add ${address} dev ${BRIDGE}`);
    ip(`link set ${BRIDGE} up`);
    // Without a route for multicast mDNS silently does nothing.
    ip(`route replace default dev ${BRIDGE}`);
  }
}

function run(fleet: AgentFleet, number: number, command: readonly string[]): void {
  const { file, args } = fleet.commandOn(number, command);
  execFileSync(file, args, { stdio: "pipe" });
}
