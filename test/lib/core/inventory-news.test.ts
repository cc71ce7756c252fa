import { pack } from "msgpackr";
import { expect, it } from "vitest";
import { isNews } from "#lib/core/inventory-news.ts";
import type { MemberNews } from "#lib/model/member-news.ts";
import { wireLimits } from "#lib/wire/limits.ts";

const member: MemberNews = {
  service: "a-service-with-a-rather-long-name",
  state: "discarding",
  outdated: false,
  waiting: false,
  cpuShare: 0.123_456_789,
  diskBytes: 2 ** 40,
  obstacle: "",
  atSwitch: "ready",
  drainMark: null,
};

it("isNews takes no inventory for news that would not fit a message", () => {
  expect(isNews({ vms: [], outcomes: [], members: [member], switch: [] })).toBe(true);
  let count = 0;
  const inventory = () => ({ vms: [], outcomes: [], members: Array(count).fill(member) });
  while (isNews(inventory())) count += 1;
  expect(count).toBeGreaterThan(20);
  count -= 1;
  expect(pack(inventory()).length).toBeLessThan(wireLimits.newsBytesMax);
  const atSwitch = { host: "QmA", state: "ready" as const, sessions: 1, drainMark: null };
  const shown = [{ service: "web", queued: 0, problem: "", members: Array(100).fill(atSwitch) }];
  expect(isNews({ vms: [], outcomes: [], members: [], switch: shown })).toBe(false);
});
