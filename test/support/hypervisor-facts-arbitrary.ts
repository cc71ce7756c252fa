import fc from "fast-check";
import type { HypervisorFacts } from "#lib/model/host.ts";

const text = fc.string({ maxLength: 20 });

/** What a host may tell of its hypervisor, by this agent or an older one. */
export const hypervisorFacts: fc.Arbitrary<HypervisorFacts> = fc.record(
  {
    kind: fc.constantFrom("sim", "qemu", "libvirt"),
    version: text,
    accelerator: fc.constantFrom("kvm", "tcg", "none"),
    liveMigrationRefusal: fc.option(text, { nil: null }),
    architecture: text,
    processor: text,
    sharedStorage: fc.array(text, { maxLength: 3 }),
  },
  { requiredKeys: ["kind", "version", "accelerator", "liveMigrationRefusal", "architecture"] },
);
