import { serviceLimits } from "../model/service.ts";
import { wireLimits } from "./limits.ts";
import type {
  ScaleAnswerMessage,
  ScaleMessage,
  ShiftAnswerMessage,
  ShiftMessage,
} from "./messages.ts";
import type { Reader } from "./reader.ts";

const changes = new Set(["run", "rest"] as const);
const digestPattern = /^[0-9a-f]{8}$/;
const HASH_LENGTH_MAX = 64;

/** What stewards and hosts say to each other, by type. */
export const scaleReaders = {
  scale: (m: Reader): ScaleMessage => {
    const document = m.object("document");
    return {
      type: "scale",
      service: m.text("service", serviceLimits.nameLengthMax),
      change: m.word("change", changes),
      host: m.host("host"),
      steward: m.host("steward"),
      document: {
        version: document.count("version"),
        hash: document.text("hash", HASH_LENGTH_MAX),
      },
      changing: m.hosts("changing", wireLimits.changingMax),
      runningDigest: m.matching("runningDigest", digestPattern, "8 hex digits"),
      replaces: m.hostOrNull("replaces"),
      ...(m.isMissing("cpuCoresMax") ? {} : { cpuCoresMax: m.figure("cpuCoresMax") }),
      ...(m.isMissing("relay") ? {} : { relay: m.host("relay") }),
    };
  },
  scaleAnswer: (m: Reader): ScaleAnswerMessage => ({
    type: "scaleAnswer",
    service: m.text("service", serviceLimits.nameLengthMax),
    refusal: m.textOrNull("refusal", wireLimits.reasonLengthMax),
    ...(!m.isMissing("soon") && m.flag("soon") && { soon: true as const }),
    ...(m.isMissing("relayed") ? {} : { relayed: relayOf(m.object("relayed")) }),
  }),
  shift: (m: Reader): ShiftMessage => ({
    type: "shift",
    service: m.text("service", serviceLimits.nameLengthMax),
    from: m.host("from"),
    to: m.host("to"),
    cpuCoresMax: m.figure("cpuCoresMax"),
  }),
  shiftAnswer: (m: Reader): ShiftAnswerMessage => ({
    type: "shiftAnswer",
    service: m.text("service", serviceLimits.nameLengthMax),
    refusal: m.textOrNull("refusal", wireLimits.reasonLengthMax),
  }),
} as const;

function relayOf(m: Reader): NonNullable<ScaleAnswerMessage["relayed"]> {
  return { host: m.host("host"), steward: m.host("steward") };
}
