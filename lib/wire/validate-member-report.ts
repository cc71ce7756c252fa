import { serviceLimits } from "../model/service.ts";
import { wireLimits } from "./limits.ts";
import type { MemberReportMessage } from "./messages.ts";
import type { Reader } from "./reader.ts";
import { readServiceNewsFields } from "./validate-service-news.ts";

/** Utilisation is a share; a host that is promised more than it has is over 1. */
const UTILISATION_MAX = 1_000;

/** What a host tells those whom its members concern. */
export function readMemberReport(m: Reader): MemberReportMessage {
  const standing = m.object("standing");
  const { members = [], switch: atSwitch = [] } = readServiceNewsFields(m);
  const names = (key: string) =>
    m.texts(key, wireLimits.inventoryServicesMax, serviceLimits.nameLengthMax);
  return {
    type: "memberReport",
    incarnation: m.count("incarnation"),
    seq: m.count("seq"),
    standing: {
      draining: standing.flag("draining"),
      utilisation: standing.figure("utilisation", UTILISATION_MAX),
      freeMemoryBytes: standing.figure("freeMemoryBytes"),
    },
    members,
    switch: atSwitch,
    mayStage: names("mayStage"),
    mayGo: names("mayGo"),
  };
}
