import type { HostOp, MemberMaking } from "../model/host-op.ts";
import type { ServiceSpec } from "../model/service.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import type { MemberOp } from "../services/member-order.ts";
import { type MemberHost, memberSpecOf, type OrObjection } from "../services/member-spec.ts";

/** All that must be known to make a member, to ask its health, and to take it away. */
export interface MemberPlan {
  readonly vm: VmSpec;
  readonly making: MemberMaking;
  readonly resumeMsMax: number;
  /** Of the template as it is on this host (MemberSpec.digest). */
  readonly digest: string;
}

/** What the service's document makes of a member here, or in words why there can be none. */
export function memberPlanOf(service: ServiceSpec, host: MemberHost): OrObjection<MemberPlan> {
  const member = memberSpecOf(service, host);
  if (!member.ok) return member;
  const { vm, base, files, endpoint, digest } = member.value;
  const { path, timeoutMs, bootMsMax, resumeMsMax } = service.health;
  const probe = { ...endpoint, path, timeoutMs, msMax: bootMsMax };
  return { ok: true, value: { vm, making: { base, files, probe }, resumeMsMax, digest } };
}

/** The host's operation that carries out what a member orders. */
export function hostOpOf(op: MemberOp, { vm, making, resumeMsMax }: MemberPlan): HostOp {
  switch (op) {
    case "stage":
      return { op: "stageMember", spec: vm, making };
    case "suspend":
      return { op: "suspend", spec: vm };
    case "resume":
      return { op: "resume", spec: vm };
    case "check":
      return { op: "checkMember", vm: vm.name, probe: { ...making.probe, msMax: resumeMsMax } };
    case "discard":
      return { op: "discardMember", spec: vm };
  }
}

/** One question to a member that runs. */
export function askOp({ vm, making }: MemberPlan): HostOp {
  return { op: "askMember", vm: vm.name, probe: making.probe };
}

/** The other way round; undefined for an operation that no member orders. */
export function memberOpOf(op: HostOp["op"]): MemberOp | undefined {
  return memberOps[op];
}

const memberOps: Partial<Record<HostOp["op"], MemberOp>> = {
  stageMember: "stage",
  suspend: "suspend",
  resume: "resume",
  checkMember: "check",
  discardMember: "discard",
};
