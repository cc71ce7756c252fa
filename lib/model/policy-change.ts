import { policyDefaults, type ShutdownPolicy, type VmPolicy } from "./vm-spec.ts";

/** What of a policy is to become what; null takes it back to the default, a missing one stays. */
export interface PolicyChange {
  readonly managed?: boolean;
  readonly pin?: string | null;
  readonly ignore?: boolean;
  readonly affinityGroup?: string | null;
  readonly antiAffinityGroup?: string | null;
  readonly priority?: number | null;
  readonly shutdown?: ShutdownPolicy | null;
}

export const noPolicy: VmPolicy = {
  pin: null,
  ignore: false,
  antiAffinityGroup: null,
  affinityGroup: null,
};

/** The policy after the change; a default is written as nothing. */
export function changedPolicy(policy: VmPolicy, change: PolicyChange): VmPolicy {
  const managed = change.managed ?? policy.managed ?? true;
  const priority = pick(change.priority, policy.priority) ?? policyDefaults.priority;
  const shutdown = pick(change.shutdown, policy.shutdown) ?? policyDefaults.shutdown;
  return {
    pin: pick(change.pin, policy.pin),
    ignore: change.ignore ?? policy.ignore,
    antiAffinityGroup: pick(change.antiAffinityGroup, policy.antiAffinityGroup),
    affinityGroup: pick(change.affinityGroup, policy.affinityGroup),
    ...(managed ? {} : { managed }),
    ...(priority === policyDefaults.priority ? {} : { priority }),
    ...(shutdown === policyDefaults.shutdown ? {} : { shutdown }),
  };
}

/** What makes a policy impossible, after the name of the setting; null for nothing. */
export function policyProblem({ affinityGroup, antiAffinityGroup }: VmPolicy): string | null {
  return affinityGroup !== null && affinityGroup === antiAffinityGroup
    ? `anti-affinity: ${antiAffinityGroup} is its affinity group too: VMs cannot be kept both together and apart`
    : null;
}

export function samePolicy(a: VmPolicy, b: VmPolicy): boolean {
  return JSON.stringify(changedPolicy(a, {})) === JSON.stringify(changedPolicy(b, {}));
}

/** Undefined: as it was. An older journal's or peer's policy may lack a field. */
function pick<Value>(
  change: Value | null | undefined,
  was: Value | null | undefined,
): Value | null {
  return change === undefined ? (was ?? null) : change;
}
