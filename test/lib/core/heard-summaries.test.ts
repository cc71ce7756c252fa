import { expect, test } from "vitest";
import { HeardSummaries } from "#lib/core/heard-summaries.ts";
import { summaryRecord } from "../../support/view-records.ts";

test("HeardSummaries gives each once, oldest first, and keeps no more than a look can use", () => {
  const heard = new HeardSummaries();
  for (const seq of [1, 2]) heard.add(summaryRecord("a", seq));
  expect(heard.take().map(({ seq }) => seq)).toEqual([1, 2]);
  expect(heard.take()).toEqual([]);
  for (let seq = 1; seq <= 300; seq += 1) heard.add(summaryRecord("a", seq));
  expect(heard.take()).toHaveLength(256);
  heard.add(summaryRecord("a", 301));
  expect(heard.take().map(({ seq }) => seq)).toEqual([301]);
});
