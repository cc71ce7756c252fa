import type { ActionReason } from "../model/action.ts";
import type { MoveOffer } from "../model/host-op.ts";
import { isHostId } from "../model/ids.ts";
import type { Verdict } from "../model/verdict.ts";
import { wireLimits } from "./limits.ts";
import type { Malformed } from "./malformed.ts";
import type {
  DeltaMessage,
  DigestEntry,
  DigestMessage,
  Message,
  MessageType,
  ProposeMessage,
  SourceAnswer,
  TargetAnswer,
} from "./messages.ts";
import type { Reader } from "./reader.ts";
import { validate } from "./validate.ts";
import { readDocumentFields, readDocumentVersion } from "./validate-document.ts";
import { readMemberReport } from "./validate-member-report.ts";
import { readMoveNeedsFields } from "./validate-move-needs.ts";
import { actionReasons } from "./validate-move-outcome.ts";
import { readLoadFields, readRecordFields } from "./validate-record.ts";
import { scaleReaders } from "./validate-scale.ts";
import { accelerators, readSummaryFields, SHORT_LENGTH_MAX } from "./validate-summary.ts";
import { swapReaders } from "./validate-swap.ts";
import { readVerbFields, readVerbResultFields } from "./validate-verb.ts";
import { readVmSpecFields } from "./validate-vm-spec.ts";

/** One reader a message: the compiler asks for it when the protocol grows. */
type Readers = { readonly [Type in MessageType]: (m: Reader) => Extract<Message, { type: Type }> };

const verdictStates = new Set(["suspect", "dead"] as const);
const askers = new Set(["source", "target"] as const);
const targetAnswers = new Set<TargetAnswer>([
  "busy",
  "held",
  "running",
  "ran",
  "refused",
  "unknown",
]);
const sourceAnswers = new Set<SourceAnswer>(["open", "committed", "aborted", "closed", "unknown"]);
const PORT_MAX = 65_535;
const NONCE_LENGTH_MAX = 128;

const readers: Readers = {
  probe: (m) => ({
    type: "probe",
    nonce: m.count("nonce"),
    incarnation: m.count("incarnation"),
    suspected: m.flag("suspected"),
  }),
  ack: (m) => ({
    type: "ack",
    nonce: m.count("nonce"),
    incarnation: m.count("incarnation"),
    ...(!m.isMissing("wallMs") && { wallMs: m.figure("wallMs") }),
  }),
  indirectProbe: (m) => ({
    type: "indirectProbe",
    nonce: m.count("nonce"),
    target: m.host("target"),
  }),
  digest: readDigest,
  delta: readDelta,
  propose: readPropose,
  grant: (m) => ({ type: "grant", moveId: m.move("moveId") }),
  refuse: (m) => ({
    type: "refuse",
    moveId: m.move("moveId"),
    reason: m.text("reason", wireLimits.reasonLengthMax),
    summary: readSummaryFields(m.object("summary")),
    ...(m.flagIfAny("lasting") && { lasting: true }),
  }),
  begin: (m) => ({ type: "begin", moveId: m.move("moveId") }),
  ready: (m) => ({
    type: "ready",
    moveId: m.move("moveId"),
    channelPort: m.count("channelPort", 1, PORT_MAX),
    channelAddress: m.textOrNull("channelAddress", wireLimits.addressLengthMax),
  }),
  held: (m) => ({ type: "held", moveId: m.move("moveId") }),
  commit: (m) => ({ type: "commit", moveId: m.move("moveId") }),
  abort: (m) => ({
    type: "abort",
    moveId: m.move("moveId"),
    reason: m.text("reason", wireLimits.reasonLengthMax),
  }),
  query: (m) => ({ type: "query", moveId: m.move("moveId"), asker: m.word("asker", askers) }),
  targetAnswer: (m) => ({
    type: "targetAnswer",
    moveId: m.move("moveId"),
    answer: m.word("answer", targetAnswers),
    detail: m.text("detail", wireLimits.reasonLengthMax),
  }),
  sourceAnswer: (m) => ({
    type: "sourceAnswer",
    moveId: m.move("moveId"),
    answer: m.word("answer", sourceAnswers),
  }),
  close: (m) => ({ type: "close", moveId: m.move("moveId") }),
  ...swapReaders,
  ...scaleReaders,
  memberReport: readMemberReport,
  verbRequest: (m) => ({
    type: "verbRequest",
    requestId: m.text("requestId", wireLimits.requestIdLengthMax),
    verb: readVerbFields(m.object("verb")),
  }),
  verbReply: (m) => ({
    type: "verbReply",
    requestId: m.text("requestId", wireLimits.requestIdLengthMax),
    result: readVerbResultFields(m.object("result")),
  }),
};
const messageTypes = new Set(Object.keys(readers)) as ReadonlySet<MessageType>;

/** Checks and bounds a message from outside; unknown fields are dropped. Never throws. */
export function readMessage(value: unknown): Message | Malformed {
  return validate<Message>(value, readMessageFields);
}

function readMessageFields(message: Reader): Message {
  const type = message.word("type", messageTypes);
  // A malformed type has been noted already; any small reader will do.
  return (readers[type] ?? readers.grant)(message);
}

function readDigest(m: Reader): DigestMessage {
  return {
    type: "digest",
    entries: readDigestEntries(m, "entries"),
    documents: m
      .list("documents", wireLimits.documentsMax)
      .map((document, index) => readDocumentVersion(m.item("documents", index, document))),
    verdicts: readVerdicts(m),
    ...(m.isMissing("partial") || !m.flag("partial") ? {} : { partial: true as const }),
    ...(m.isMissing("growing") || !m.flag("growing") ? {} : { growing: true as const }),
  };
}

function readDelta(m: Reader): DeltaMessage {
  return {
    type: "delta",
    records: m
      .list("records", wireLimits.recordsMax)
      .map((record, index) => readRecordFields(m.item("records", index, record))),
    documents: m
      .list("documents", wireLimits.documentsMax)
      .map((document, index) => readDocumentFields(m.item("documents", index, document))),
    verdicts: readVerdicts(m),
    wants: readDigestEntries(m, "wants"),
    wantsDocuments: m.texts(
      "wantsDocuments",
      wireLimits.documentsMax,
      wireLimits.documentNameLengthMax,
    ),
    ...readAges(m),
    ...(m.isMissing("hops") ? {} : { hops: m.count("hops", 1, wireLimits.hopsMax) }),
  };
}

/** One for each record; the transport, which verifies the records by themselves, sees to that. */
function readAges(m: Reader): { ages?: readonly number[] } {
  if (m.isMissing("ages")) return {};
  const ages = m.list("ages", wireLimits.recordsMax);
  if (ages.every(isAge)) return { ages };
  m.fail("ages", `whole ms from 0 to ${wireLimits.ageMsMax}`);
  return {};
}

function isAge(value: unknown): value is number {
  const isCount = Number.isSafeInteger(value) && (value as number) >= 0;
  return isCount && (value as number) <= wireLimits.ageMsMax;
}

function readVerdicts(m: Reader): readonly Verdict[] {
  return m.list("verdicts", wireLimits.verdictsMax).map((item, index) => {
    const verdict = m.item("verdicts", index, item);
    return {
      host: verdict.host("host"),
      incarnation: verdict.count("incarnation"),
      state: verdict.word("state", verdictStates),
      by: verdict.host("by"),
    };
  });
}

/** Once a second with up to 256 entries: checked in place, without a reader for each. */
function readDigestEntries(m: Reader, key: string): readonly DigestEntry[] {
  const items = m.list(key, wireLimits.digestEntriesMax);
  const entries: DigestEntry[] = [];
  for (const item of items) {
    if (!isDigestEntry(item)) {
      m.fail(key, "entries of a host id and two pairs of incarnation and seq");
      return [];
    }
    entries.push([item[0], item[1], item[2], item[3], item[4]]);
  }
  return entries;
}

function isDigestEntry(value: unknown): value is DigestEntry {
  return (
    Array.isArray(value) &&
    value.length === 5 &&
    isHostId(value[0]) &&
    isVersionPart(value[1]) &&
    isVersionPart(value[2]) &&
    isVersionPart(value[3]) &&
    isVersionPart(value[4])
  );
}

/** -1 stands for none. */
function isVersionPart(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= -1;
}

function readPropose(m: Reader): ProposeMessage {
  return {
    type: "propose",
    moveId: m.move("moveId"),
    offer: readOffer(m.object("offer")),
    load: readLoadFields(m.object("load")),
    reason: m.word<ActionReason>("reason", actionReasons),
    gain: m.signed("gain"),
    cost: m.signed("cost"),
    source: readSummaryFields(m.object("source")),
    version: m.count("version"),
    recentMoves: m.count("recentMoves"),
  };
}

const socketPlaces: ReadonlySet<"agent"> = new Set(["agent"]);

function readOffer(offer: Reader): MoveOffer {
  return {
    spec: readVmSpecFields(offer.object("spec")),
    hypervisorVersion: offer.text("hypervisorVersion", SHORT_LENGTH_MAX),
    accelerator: offer.word("accelerator", accelerators),
    machineType: offer.text("machineType", SHORT_LENGTH_MAX),
    storageNonce: offer.textOrNull("storageNonce", NONCE_LENGTH_MAX),
    ...(!offer.isMissing("needs") && { needs: readMoveNeedsFields(offer.object("needs")) }),
    ...(!offer.isMissing("sockets") && { sockets: offer.word("sockets", socketPlaces) }),
  };
}
