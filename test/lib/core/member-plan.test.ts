import { describe, expect, it } from "vitest";
import { hostOpOf, memberOpOf, memberPlanOf } from "#lib/core/member-plan.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";

const host = { host: "QmHost1234567", name: "n1", overlayFolder: "/srv/members" };

describe("memberPlanOf", () => {
  it("holds what staging, health checks and removal need", () => {
    const plan = memberPlanOf(serviceSpecOf("web"), host);
    expect(plan).toMatchObject({
      ok: true,
      value: {
        vm: { memoryBytes: 256 * 2 ** 20, policy: { ignore: true } },
        making: { base: null, probe: { port: 80, path: "/health", msMax: 120_000 } },
        resumeMsMax: 10_000,
      },
    });
  });

  it("says why the document makes no member on this host", () => {
    const objected = memberPlanOf(serviceSpecOf("web"), { ...host, name: "n9" });
    expect(objected).toMatchObject({ ok: false, objection: expect.stringContaining("address") });
  });
});

it("hostOpOf and memberOpOf are each other's way back, and a check has a resume's time", () => {
  const plan = memberPlanOf(serviceSpecOf("web"), host);
  if (!plan.ok) throw new Error(plan.objection);
  for (const op of ["stage", "suspend", "resume", "check", "discard"] as const) {
    expect(memberOpOf(hostOpOf(op, plan.value).op)).toBe(op);
  }
  expect(hostOpOf("check", plan.value)).toMatchObject({ probe: { msMax: 10_000 } });
  expect(memberOpOf("start")).toBeUndefined();
});
