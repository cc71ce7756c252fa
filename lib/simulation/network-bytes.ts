import type { HostRecord } from "../model/record.ts";
import type { MemberReportMessage, Message } from "../wire/messages.ts";

/**
 * Bytes of the parts of a message as the real transport packs it, with host ids of 52 characters:
 * measured with its codec, for figures of what a cluster says. Encoding each message of a
 * simulation to count its bytes would take longer than the simulation.
 */
const datagramBytes = 142;
const digestBytes = 46;
const digestEntryBytes = 63;
const deltaBytes = 68;
const summaryBytes = 756;
const inventoryBytes = 290;
const inventoryVmBytes = 81;
const verdictBytes = 100;
/** Of a document its name, version and hash; all of it but for its value. */
const documentDigestBytes = 24;
const documentBytes = 85;
const proposeBytes = 1_197;
const refuseBytes = 740;
const orderBytes = 60;
const memberReportBytes = 143;
const memberBytes = 131;
const switchServiceBytes = 44;
const atSwitchBytes = 95;
const serviceNameBytes = 7;

/** About how long the message is on the wire, in bytes, without TCP's or UDP's own. */
export function messageBytes(message: Message): number {
  switch (message.type) {
    case "probe":
    case "ack":
    case "indirectProbe":
      return datagramBytes;
    case "digest":
      return (
        digestBytes +
        digestEntryBytes * message.entries.length +
        documentDigestBytes * message.documents.length +
        verdictBytes * message.verdicts.length
      );
    case "delta": {
      let bytes = deltaBytes + digestEntryBytes * message.wants.length;
      bytes += verdictBytes * message.verdicts.length;
      for (const { value } of message.documents) bytes += documentBytes + value.length;
      for (const record of message.records) bytes += recordBytes(record);
      return bytes;
    }
    case "propose":
      return proposeBytes;
    case "refuse":
      return refuseBytes;
    case "memberReport": {
      const names = message.mayStage.length + message.mayGo.length;
      return memberReportBytes + serviceNameBytes * names + serviceNewsBytes(message);
    }
    default:
      return orderBytes;
  }
}

function recordBytes(record: HostRecord): number {
  if (record.kind === "summary") return summaryBytes;
  const { vms, members = [], switch: services = [] } = record.body;
  const vmsBytes = inventoryVmBytes * vms.length;
  return inventoryBytes + vmsBytes + serviceNewsBytes({ members, switch: services });
}

function serviceNewsBytes(news: Pick<MemberReportMessage, "members" | "switch">): number {
  let bytes = memberBytes * news.members.length + switchServiceBytes * news.switch.length;
  for (const { members } of news.switch) bytes += atSwitchBytes * members.length;
  return bytes;
}
