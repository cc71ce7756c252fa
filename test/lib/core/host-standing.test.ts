import { expect, test } from "vitest";
import { standingOf } from "#lib/core/host-standing.ts";
import type { HostFigures } from "#lib/planning/host-figures.ts";

test("standingOf() counts the fuller of CPU and memory, and leaves the share that is nobody's", () => {
  const figures = {
    ...{ host: "QmA", draining: true, cpuCapacityCores: 4, cpuCores: 1 },
    ...{ memoryCapacityBytes: 1_000, memoryBytes: 600 },
    ...{ networkBytesPerSecond: 0, networkCapacityBytesPerSecond: 0 },
  } as unknown as HostFigures;
  const standing = { host: "QmA", draining: true, utilisation: 0.6, freeMemoryBytes: 300 };
  expect(standingOf(figures, 0.9)).toEqual(standing);
  expect(standingOf({ ...figures, cpuCores: 3, memoryBytes: 950 }, 0.9)).toEqual({
    ...standing,
    utilisation: 0.95,
    freeMemoryBytes: 0,
  });
});
