import fc from "fast-check";
import type { MoveOffer } from "#lib/model/host-op.ts";
import type { MoveNeeds } from "#lib/model/move-needs.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";

const plain = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const names = fc.array(fc.string({ maxLength: 20 }), { maxLength: 2 });
const bytes = fc.nat();

const moveNeeds: fc.Arbitrary<MoveNeeds> = fc.record({
  files: names,
  disks: names,
  copies: fc.array(
    fc.record({
      path: fc.constant("/srv/a.raw"),
      format: fc.constantFrom("raw", "qcow2"),
      sizeBytes: bytes,
      usedBytes: bytes,
    }),
    { maxLength: 2 },
  ),
  bridges: names,
  interfaces: names,
  networks: names,
  hugepages: fc.array(fc.record({ pageBytes: bytes, memoryBytes: bytes }), { maxLength: 2 }),
  cpu: fc.option(
    fc.record({
      kind: fc.constantFrom("features", "same"),
      model: plain,
      vendor: fc.option(plain, { nil: null }),
      features: fc.array(plain, { maxLength: 3 }),
    }),
    { nil: null },
  ),
});

/** What a source may say of a VM that it proposes. */
export function moveOffer(
  spec: fc.Arbitrary<VmSpec>,
  accelerator: fc.Arbitrary<MoveOffer["accelerator"]>,
): fc.Arbitrary<MoveOffer> {
  return fc.record(
    {
      spec,
      hypervisorVersion: fc.string({ maxLength: 20 }),
      accelerator,
      machineType: fc.string({ maxLength: 20 }),
      storageNonce: fc.option(fc.stringMatching(/^[0-9a-f]{32}$/), { nil: null }),
      needs: moveNeeds,
      sockets: fc.constant("agent" as const),
    },
    { requiredKeys: ["spec", "hypervisorVersion", "accelerator", "machineType", "storageNonce"] },
  );
}
