import { expect, it } from "vitest";
import { CopyLister } from "#agent/runtime/copy-lister.ts";
import type { CopyReport } from "#lib/model/copy.ts";
import { MemoryLog } from "../../support/memory-log.ts";
import { stubHypervisor } from "../../support/stub-hypervisor.ts";

const running: CopyReport = { vm: "web", state: "running", moveId: null };

function lister() {
  const readings: PromiseWithResolvers<readonly CopyReport[]>[] = [];
  const listed: (readonly CopyReport[])[] = [];
  const log = new MemoryLog();
  const hypervisor = stubHypervisor({
    list: () => {
      const reading = Promise.withResolvers<readonly CopyReport[]>();
      readings.push(reading);
      return reading.promise;
    },
  });
  return {
    lister: new CopyLister({ hypervisor, log }, (copies) => listed.push(copies)),
    readings,
    listed,
    log,
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it("CopyLister throws away a list that was begun before an operation ended", async () => {
  const { lister: one, readings, listed } = lister();
  one.relist();
  one.opEnded();
  readings[0]?.resolve([]);
  await settled();
  expect(listed).toEqual([]);
  readings[1]?.resolve([running]);
  await settled();
  expect(listed).toEqual([[running]]);
});

it("CopyLister reads once at a time, and once more when asked meanwhile", async () => {
  const { lister: one, readings, listed } = lister();
  one.relist();
  one.relist();
  one.relist();
  expect(readings).toHaveLength(1);
  readings[0]?.resolve([]);
  await settled();
  readings[1]?.resolve([running]);
  await settled();
  expect(readings).toHaveLength(2);
  expect(listed).toEqual([[], [running]]);
});

it("CopyLister says so when the guests cannot be listed, and goes on", async () => {
  const { lister: one, readings, listed, log } = lister();
  one.relist();
  readings[0]?.reject(new Error("QEMU does not answer"));
  await settled();
  expect(log.messages).toEqual(["cannot list the guests: QEMU does not answer"]);
  one.relist();
  readings[1]?.resolve([running]);
  await settled();
  expect(listed).toEqual([[running]]);
});
