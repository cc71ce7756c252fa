import { expect, it } from "vitest";
import { MemberRests } from "#lib/core/member-rests.ts";
import { defaultPlanningParams as params } from "#lib/planning/params.ts";

it("MemberRests grow while one shift follows the other, and are forgotten in time", () => {
  const rests = new MemberRests(params);
  const { coolDownMs } = params;
  expect(rests.untilMs("web")).toBe(0);
  rests.shifted("web", 1_000);
  expect(rests.untilMs("web")).toBe(1_000 + coolDownMs);
  rests.shifted("web", 1_000 + coolDownMs);
  expect(rests.untilMs("web")).toBe(1_000 + 3 * coolDownMs);
  rests.shifted("web", 1_000 + 3 * coolDownMs);
  expect(rests.untilMs("web")).toBe(1_000 + 7 * coolDownMs);
  rests.shifted("web", 1e9);
  expect(rests.untilMs("web")).toBe(1e9 + coolDownMs);
  expect(rests.untilMs("db")).toBe(0);
});
