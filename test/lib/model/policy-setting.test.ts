import { describe, expect, it } from "vitest";
import { changedPolicy, noPolicy, policyProblem, samePolicy } from "#lib/model/policy-change.ts";
import {
  policyText,
  policyWords,
  readPolicySetting,
  readPolicySettings,
} from "#lib/model/policy-setting.ts";
import type { VmPolicy } from "#lib/model/vm-spec.ts";

const whole: VmPolicy = {
  pin: "host-b",
  ignore: true,
  affinityGroup: "db",
  antiAffinityGroup: "web",
  managed: false,
  priority: 80,
  shutdown: "migrate",
};

describe("readPolicySetting", () => {
  it.each([
    ["pin", "host-b", { pin: "host-b" }],
    ["pin", "none", { pin: null }],
    ["pin", "", { pin: null }],
    ["ignore", "yes", { ignore: true }],
    ["managed", "no", { managed: false }],
    ["affinity", "db", { affinityGroup: "db" }],
    ["anti-affinity", "none", { antiAffinityGroup: null }],
    ["priority", "100", { priority: 100 }],
    ["shutdown", "leave", { shutdown: "leave" }],
  ])("takes %s=%s", (name, text, change) => {
    expect(readPolicySetting(name, text)).toEqual(change);
  });

  it.each([
    ["pin", "host b"],
    ["pin", "x".repeat(65)],
    ["ignore", "perhaps"],
    ["managed", "__proto__"],
    ["affinity", "DB"],
    ["anti-affinity", "a".repeat(64)],
    ["priority", "101"],
    ["priority", "-1"],
    ["priority", "1e1"],
    ["shutdown", "reboot"],
    ["constructor", "1"],
  ])("refuses %s=%s and names the setting", (name, text) => {
    const read = readPolicySetting(name, text);
    expect(read).toEqual({ problem: expect.stringContaining(name) });
  });
});

describe("policyWords", () => {
  it("is read back as what it was", () => {
    expect(readPolicySettings(policyWords(whole))).toEqual(whole);
    expect(policyWords(noPolicy)).toEqual([]);
    expect(policyText(whole)).toBe(
      "managed=no pin=host-b ignore=yes affinity=db anti-affinity=web priority=80 shutdown=migrate",
    );
  });
});

describe("changedPolicy", () => {
  it("keeps what is not named and writes a default as nothing", () => {
    expect(changedPolicy(whole, { pin: null })).toEqual({ ...whole, pin: null });
    const plain = { managed: true, priority: 50, shutdown: "off" } as const;
    const change = { ...plain, pin: null, ignore: false };
    const { affinityGroup, antiAffinityGroup } = whole;
    expect(changedPolicy(whole, change)).toEqual({ ...noPolicy, affinityGroup, antiAffinityGroup });
    expect(changedPolicy(whole, { priority: null, shutdown: null })).not.toHaveProperty("priority");
  });

  it("tells equal policies by what they ask, whoever wrote them", () => {
    const { affinityGroup: _, ...older } = noPolicy;
    expect(samePolicy(older as VmPolicy, noPolicy)).toBe(true);
    expect(samePolicy(whole, noPolicy)).toBe(false);
  });

  it("names the setting of a policy that cannot be", () => {
    expect(policyProblem({ ...noPolicy, affinityGroup: "a", antiAffinityGroup: "a" })).toMatch(
      /^anti-affinity: /,
    );
    expect(policyProblem(whole)).toBeNull();
  });
});
