import type { Config } from "../../config/config.ts";
import { loadConfig } from "../../config/load.ts";
import { exitCodes } from "../cli-error.ts";
import type { Palette, Tone } from "../palette.ts";
import { countOf } from "../units.ts";
import { printJson, type VerbContext, type VerbInput, type VerbRunner } from "../verb-context.ts";
import { agentUser } from "./agent-user.ts";
import { checkAgent } from "./check-agent.ts";
import { checkClock } from "./check-clock.ts";
import { checkFirewall } from "./check-firewall.ts";
import { checkGroup } from "./check-group.ts";
import { checkKey } from "./check-key.ts";
import { checkLibvirt } from "./check-libvirt.ts";
import { checkLikeness } from "./check-likeness.ts";
import { checkMulticast } from "./check-multicast.ts";
import { checkNode } from "./check-node.ts";
import { checkPeers } from "./check-peers.ts";
import { checkPorts } from "./check-ports.ts";
import { checkQemu } from "./check-qemu.ts";
import { checkStateDirectory } from "./check-state-directory.ts";
import { checkStorage } from "./check-storage.ts";
import { checkSwitch } from "./check-switch.ts";
import { checkUser } from "./check-user.ts";
import { type Check, type Finding, type FindingLevel, fail, ok, wordsOf } from "./finding.ts";

/** What needs a configuration, in the order in which it is told. */
const CHECKS: readonly Check[] = [
  checkKey,
  checkGroup,
  checkUser,
  checkStateDirectory,
  checkClock,
  checkMulticast,
  checkQemu,
  checkLibvirt,
  checkStorage,
  checkPorts,
  checkFirewall,
  checkPeers,
  checkLikeness,
  checkSwitch,
];

const MARKS: Readonly<Record<FindingLevel, { readonly text: string; readonly tone: Tone }>> = {
  ok: { text: "ok  ", tone: "good" },
  warn: { text: "warn", tone: "warn" },
  fail: { text: "FAIL", tone: "bad" },
};

/** `evenkeel doctor`: looks at everything that an agent on this host needs, with a remedy each. */
export const doctor: VerbRunner = async (context, input) => {
  const findings = await examine(context, input);
  const failures = findings.filter(({ level }) => level === "fail").length;
  if (context.json) {
    printJson(context, { ok: failures === 0, checks: findings });
  } else {
    for (const line of findings.flatMap((finding) => findingLines(finding, context.palette))) {
      context.io.out(line);
    }
    const verdict = failures === 0 ? "nothing that would hurt" : countOf(failures, "failure");
    context.io.out(`doctor: ${countOf(findings.length, "look")}, ${verdict}`);
  }
  return failures === 0 ? exitCodes.ok : exitCodes.failed;
};

async function examine(context: VerbContext, input: VerbInput): Promise<readonly Finding[]> {
  const findings: Finding[] = [checkNode(process.version)];
  const agent = await checkAgent(context.client);
  const config = readConfig(context, input);
  if ("level" in config) return [...findings, config, ...agent.findings];
  findings.push(ok("config", "can be read"));
  const { answers: agentAnswers, members } = agent;
  const user = agentAnswers ? agentUser(context.client.socketPath) : null;
  const scene = { config, context, agentAnswers, members, agentUser: user };
  for (const check of CHECKS) findings.push(...(await check(scene)));
  return [...findings, ...agent.findings];
}

function readConfig({ io }: VerbContext, { options }: VerbInput): Config | Finding {
  const text = (name: string): string | undefined => {
    const value = options[name];
    return typeof value === "string" ? value : undefined;
  };
  try {
    return loadConfig({
      path: text("config"),
      flags: { stateDirectory: text("stateDir"), keyFile: text("key") },
      environment: io.environment,
    });
  } catch (error) {
    return fail("config", wordsOf(error), "mend the file; the agent refuses to start with it");
  }
}

function findingLines(finding: Finding, palette: Palette): readonly string[] {
  const { check, level, detail, remedy } = finding;
  const { text, tone } = MARKS[level];
  const line = `${palette(tone, text)}  ${check.padEnd(9)}  ${detail}`;
  return remedy === "" ? [line] : [line, `${" ".repeat(17)}${palette("dim", `-> ${remedy}`)}`];
}
