import fc from "fast-check";
import type { PolicyChange } from "#lib/model/policy-change.ts";
import type { VmPolicy } from "#lib/model/vm-spec.ts";

const text = (max: number) => fc.string({ maxLength: max });
const orNull = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: null });

const rules = {
  pin: orNull(text(64)),
  ignore: fc.boolean(),
  antiAffinityGroup: orNull(text(63)),
  affinityGroup: orNull(text(63)),
};
const priority = fc.integer({ min: 0, max: 100 });
const shutdown = fc.constantFrom("off", "suspend", "migrate", "leave" as const);
export const policyChange: fc.Arbitrary<PolicyChange> = fc.record(
  { ...rules, managed: fc.boolean(), priority: orNull(priority), shutdown: orNull(shutdown) },
  { requiredKeys: [] },
);
export const policy: fc.Arbitrary<VmPolicy> = fc
  .record(
    { ...rules, managed: fc.constant(false as const), priority, shutdown },
    { requiredKeys: ["pin", "ignore", "antiAffinityGroup", "affinityGroup"] },
  )
  .filter(({ affinityGroup, antiAffinityGroup }) => {
    return affinityGroup === null || affinityGroup !== antiAffinityGroup;
  });
