import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Config } from "../../config/config.ts";
import { type Check, type Finding, ok, warn } from "./finding.ts";

const run = promisify(execFile);
const ANSWER_MS_MAX = 5_000;
const RULES_BYTES_MAX = 8 * 2 ** 20;

/** What nft(8) prints of a chain, as far as it is looked at. */
interface Chain {
  readonly family?: string;
  readonly table?: string;
  readonly name?: string;
  readonly hook?: string;
  readonly policy?: string;
}

/** Does this host's own firewall know of the agent's ports? Rules are read, never changed. */
export const checkFirewall: Check = async ({ config }) => {
  try {
    const limits = { timeout: ANSWER_MS_MAX, maxBuffer: RULES_BYTES_MAX };
    const { stdout } = await run("nft", ["--json", "list", "ruleset"], limits);
    return [firewallFinding(stdout, config.listen)];
  } catch {
    return [ok("firewall", "not judged: its rules cannot be read (nft, as root)")];
  }
};

/** What a rule set as JSON means for these ports: those that no rule of a closed chain names. */
export function firewallFinding(rules: string, listen: Config["listen"]): Finding {
  const { nftables }: { nftables: readonly Record<string, unknown>[] } = JSON.parse(rules);
  const chains = nftables.flatMap(({ chain }) => (chain === undefined ? [] : [chain as Chain]));
  const closed = chains.find(({ hook, policy }) => hook === "input" && policy === "drop");
  if (closed === undefined) return ok("firewall", "nothing is dropped by default");
  const named = nftables.flatMap(({ rule }) => (rule === undefined ? [] : portsIn(rule)));
  const wanted = [listen.port, listen.probePort, listen.channelPortMin, listen.channelPortMax];
  const missing = wanted.filter(
    (port) => port !== 0 && !named.some(([from, to]) => from <= port && port <= to),
  );
  const place = [closed.family, closed.table, closed.name].join(" ");
  if (missing.length === 0) return ok("firewall", `${place} drops, and names the agent's ports`);
  const { port, probePort, channelPortMin, channelPortMax } = listen;
  const remedy =
    `nft add rule ${place} tcp dport { ${port}, ${channelPortMin}-${channelPortMax} } accept; ` +
    `nft add rule ${place} udp dport ${probePort} accept`;
  const detail = `${place} drops what no rule lets in, and none names port ${[...new Set(missing)].join(", ")}`;
  return warn("firewall", detail, remedy);
}

/** Every number in a rule, and every range, wherever it stands: a set, an interval, alone. */
function portsIn(value: unknown): readonly (readonly [number, number])[] {
  if (typeof value === "number") return [[value, value]];
  if (typeof value !== "object" || value === null) return [];
  if ("range" in value && Array.isArray(value.range)) {
    const [from, to]: readonly unknown[] = value.range;
    return typeof from === "number" && typeof to === "number" ? [[from, to]] : [];
  }
  return Object.values(value).flatMap(portsIn);
}
