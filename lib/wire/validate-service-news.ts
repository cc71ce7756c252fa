import type {
  MemberAtSwitch,
  MemberNews,
  ServiceMemberState,
  SwitchNews,
} from "../model/member-news.ts";
import { serviceLimits } from "../model/service.ts";
import type { ServerState } from "../model/switch.ts";
import { wireLimits } from "./limits.ts";
import type { Reader } from "./reader.ts";

const memberStates = new Set<ServiceMemberState>([
  "absent",
  "staging",
  "suspended",
  "resuming",
  "running",
  "draining",
  "suspending",
  "discarding",
  "stale",
]);
const serverStates = new Set<ServerState>(["ready", "drain", "maint"]);
const wishes = new Set<MemberNews["atSwitch"]>(["ready", "drain", "maint", "kept"]);

/** What an inventory says of services; what an older agent, or a host without them, leaves out stays so. */
export function readServiceNewsFields(body: Reader): {
  members?: readonly MemberNews[];
  switch?: readonly SwitchNews[];
} {
  const most = wireLimits.inventoryServicesMax;
  const news: { members?: readonly MemberNews[]; switch?: readonly SwitchNews[] } = {};
  if (!body.isMissing("members")) {
    news.members = body
      .list("members", most)
      .map((one, index) => readMember(body.item("members", index, one)));
  }
  if (!body.isMissing("switch")) {
    news.switch = body
      .list("switch", most)
      .map((one, index) => readService(body.item("switch", index, one)));
  }
  return news;
}

function readMember(member: Reader): MemberNews {
  return {
    service: member.text("service", serviceLimits.nameLengthMax),
    state: member.word("state", memberStates),
    outdated: member.flag("outdated"),
    waiting: member.flag("waiting"),
    // Older agents say nothing of it.
    ...(!member.isMissing("healthy") && !member.flag("healthy") && { healthy: false as const }),
    cpuShare: member.figureOrNull("cpuShare"),
    diskBytes: member.figure("diskBytes"),
    obstacle: member.text("obstacle", wireLimits.obstacleLengthMax),
    atSwitch: member.word("atSwitch", wishes),
    drainMark: readMark(member),
  };
}

function readService(service: Reader): SwitchNews {
  return {
    service: service.text("service", serviceLimits.nameLengthMax),
    queued: service.figure("queued"),
    problem: service.text("problem", wireLimits.obstacleLengthMax),
    members: service
      .list("members", wireLimits.switchMembersMax)
      .map((one, index) => readAtSwitch(service.item("members", index, one))),
  };
}

function readAtSwitch(member: Reader): MemberAtSwitch {
  return {
    host: member.host("host"),
    state: member.word("state", serverStates),
    sessions: member.figure("sessions"),
    drainMark: readMark(member),
  };
}

function readMark(member: Reader): number | null {
  return member.figureOrNull("drainMark");
}
