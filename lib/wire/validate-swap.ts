import { vmLimits } from "../model/vm-spec.ts";
import { wireLimits } from "./limits.ts";
import type {
  ExchangeAnswerMessage,
  ExchangedVm,
  ExchangeMessage,
  ExchangeOverMessage,
  PassedOnMessage,
  PassOnMessage,
} from "./messages.ts";
import type { Reader } from "./reader.ts";
import { readLoadFields } from "./validate-record.ts";
import { readSummaryFields } from "./validate-summary.ts";
import { readPolicyFields } from "./validate-vm-spec.ts";

const exchangeIdPattern = /^[0-9a-f]{16}$/;

/** The messages of an exchange, by type. */
export const swapReaders = {
  exchange: (m: Reader): ExchangeMessage => ({
    type: "exchange",
    exchangeId: readExchangeId(m),
    give: readExchangedVm(m.object("give")),
    take: m.vm("take"),
    gain: m.signed("gain"),
    source: readSummaryFields(m.object("source")),
    holdMs: m.figure("holdMs", wireLimits.holdMsMax),
  }),
  exchangeAnswer: (m: Reader): ExchangeAnswerMessage => ({
    type: "exchangeAnswer",
    exchangeId: readExchangeId(m),
    refusal: m.textOrNull("refusal", wireLimits.reasonLengthMax),
  }),
  passOn: (m: Reader): PassOnMessage => ({
    type: "passOn",
    exchangeId: readExchangeId(m),
    vm: m.vm("vm"),
    to: m.host("to"),
  }),
  passedOn: (m: Reader): PassedOnMessage => ({
    type: "passedOn",
    exchangeId: readExchangeId(m),
    vm: m.vm("vm"),
    refusal: m.textOrNull("refusal", wireLimits.reasonLengthMax),
  }),
  exchangeOver: (m: Reader): ExchangeOverMessage => ({
    type: "exchangeOver",
    exchangeId: readExchangeId(m),
  }),
} as const;

function readExchangeId(m: Reader): string {
  return m.matching("exchangeId", exchangeIdPattern, "16 hex digits");
}

function readExchangedVm(vm: Reader): ExchangedVm {
  return {
    vm: vm.vm("vm"),
    memoryBytes: vm.count("memoryBytes", vmLimits.memoryBytesMin, vmLimits.memoryBytesMax),
    load: readLoadFields(vm.object("load")),
    policy: readPolicyFields(vm.object("policy")),
  };
}
