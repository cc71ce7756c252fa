import { connect } from "node:net";
import { type Check, fail, ok, wordsOf } from "./finding.ts";

const ANSWER_WAIT_MS = 3_000;
const ANSWER_CHARACTERS_MAX = 1_000;

/** Can the agent change this host's HAProxy? Asks for the level of its socket, changes nothing. */
export const checkSwitch: Check = async ({ config }) => {
  const { haproxySocket } = config.switch;
  if (haproxySocket === null) return [ok("switch", "none here: switch.haproxySocket is not set")];
  const line = `stats socket ${haproxySocket} mode 660 group evenkeel level admin`;
  try {
    const level = (await ask(haproxySocket, "show cli level")).trim();
    if (level === "admin") return [ok("switch", `HAProxy at ${haproxySocket}, level admin`)];
    const found = `HAProxy at ${haproxySocket} answers ${JSON.stringify(level.slice(0, 80))}`;
    return [fail("switch", `${found} for its level, not "admin"`, `haproxy.cfg: ${line}`)];
  } catch (error) {
    const remedy = `start HAProxy with this in its global section: ${line}`;
    return [fail("switch", `${haproxySocket}: ${wordsOf(error)}`, remedy)];
  }
};

function ask(path: string, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let answer = "";
    socket.setTimeout(ANSWER_WAIT_MS, () => {
      socket.destroy(new Error(`no answer within ${ANSWER_WAIT_MS} ms`));
    });
    socket.setEncoding("latin1").on("data", (text) => {
      answer += text;
      if (answer.length > ANSWER_CHARACTERS_MAX) socket.destroy(new Error("it is no HAProxy"));
    });
    socket.on("error", reject);
    socket.on("end", () => resolve(answer));
    socket.write(`${question}\n`);
  });
}
