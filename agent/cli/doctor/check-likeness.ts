import type { MemberAnswer } from "../answers.ts";
import { type Check, type Finding, ok, warn } from "./finding.ts";

/** People compare the logs of two hosts; guests take their host's time. */
const SKEW_MS_WARN = 1000;
/** Findings beyond these say no more. */
const MEMBERS_MAX = 16;

/** Are the other hosts enough like this one: their clocks, processors and storage? */
export const checkLikeness: Check = async ({ members }) => {
  const self = members.find((member) => member.self);
  const others = members.filter((member) => !member.self && member.state === "alive");
  if (self === undefined || others.length === 0) return [];
  const some = others.slice(0, MEMBERS_MAX);
  return [...skewFindings(some), ...processorFindings(self, some), ...storageFindings(self, some)];
};

/** Exported for tests, like the others: pure. */
export function skewFindings(others: readonly MemberAnswer[]): readonly Finding[] {
  const told = others.filter(({ clockSkewMs }) => typeof clockSkewMs === "number");
  const off = told.filter(({ clockSkewMs }) => Math.abs(clockSkewMs ?? 0) >= SKEW_MS_WARN);
  if (off.length === 0) {
    return told.length === 0
      ? []
      : [
          ok(
            "skew",
            `the clocks of ${told.length} other${told.length === 1 ? "" : "s"} agree with this one`,
          ),
        ];
  }
  return off.map(({ name, clockSkewMs }) => {
    const skewMs = clockSkewMs ?? 0;
    const seconds = (Math.abs(skewMs) / 1000).toFixed(1);
    const detail = `the clock of ${name} is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} this host's`;
    return warn("skew", detail, `timedatectl set-ntp true at ${name} and here`);
  });
}

/** Without KVM the guest's processor is QEMU's own, the same everywhere. */
export function processorFindings(
  self: MemberAnswer,
  others: readonly MemberAnswer[],
): readonly Finding[] {
  const own = self.hypervisor?.processor;
  if (own === undefined || self.hypervisor?.accelerator !== "kvm") return [];
  const differ = others.filter(({ hypervisor }) => (hypervisor?.processor ?? own) !== own);
  if (differ.length === 0) return [ok("processor", `${nameOf(own)}, the same everywhere`)];
  return differ.map(({ name, hypervisor }) => {
    const theirs = hypervisor?.processor ?? "";
    const detail =
      nameOf(theirs) === nameOf(own)
        ? `${name} has the same ${nameOf(own)} with other features (microcode, settings)`
        : `${name} has another processor: ${nameOf(theirs)}, here ${nameOf(own)}`;
    const remedy =
      "the same hypervisor.cpuModel on both, one that both have (virsh hypervisor-cpu-baseline)";
    return warn("processor", detail, remedy);
  });
}

function nameOf(processor: string): string {
  return processor.replace(/ #[0-9a-f]+$/, "");
}

/** What is mounted at the storage roots, by its name: each move proves it again, by a nonce. */
export function storageFindings(
  self: MemberAnswer,
  others: readonly MemberAnswer[],
): readonly Finding[] {
  if (self.hypervisor === null || self.hypervisor.kind === "sim") return [];
  const own = self.hypervisor.sharedStorage ?? [];
  const remedy = "mount one network file system (NFS, CephFS, …) at the same place on all hosts";
  if (own.length === 0) {
    const detail = "no storage root is on storage that others see: VMs with a disk stay here";
    return [warn("shared", detail, remedy)];
  }
  return others
    .filter(({ hypervisor }) => hypervisor !== null)
    .map(({ name, hypervisor }) => {
      const both = own.filter((one) => hypervisor?.sharedStorage?.includes(one));
      if (both.length > 0) return ok("shared", `${both.join(", ")} is at ${name}, too`);
      const detail = `${name} mounts none of ${own.join(", ")}: VMs with a disk do not go there`;
      return warn("shared", detail, remedy);
    });
}
