import { describe, expect, it } from "vitest";
import { HypervisorError } from "#agent/hypervisor/hypervisor-error.ts";
import {
  DomainPolicies,
  type DomainPoliciesParts,
} from "#agent/hypervisor/libvirt/domain-policies.ts";
import { policyElement } from "#agent/hypervisor/libvirt/policy-element.ts";
import { noPolicy } from "#lib/model/policy-change.ts";

const pinned = { ...noPolicy, pin: "host-b" };
const running = { state: 1, reason: 1, isPersistent: true, savedImage: null };
const stopped = { ...running, state: 5 };

/** A daemon that shows these elements by place; what it is asked is kept. */
function daemon(elements: Readonly<Record<string, string>>) {
  const asked: string[][] = [];
  const ask = async (words: readonly string[]) => {
    asked.push([...words]);
    const element = elements[words.at(-1) ?? ""];
    if (element !== undefined) return element;
    const words404 = "metadata not found: Requested metadata element is not present";
    throw new HypervisorError(words404, { code: "COMMAND_FAILED" });
  };
  const table = { look: async () => running };
  const parts = { asking: { ask }, ordering: { ask }, table } as unknown as DomainPoliciesParts;
  return { asked, policies: new DomainPolicies(parts) };
}

describe("DomainPolicies", () => {
  it("asks once, and again when libvirt tells that the domain changed", async () => {
    const { asked, policies } = daemon({ "--config": "<policy/>", "--live": "<policy/>" });
    await policies.shown("web", running);
    await policies.shown("web", running);
    expect(asked).toHaveLength(2);
    policies.happened({ vm: "db", event: "metadata-change", detail: "" });
    await policies.shown("web", running);
    expect(asked).toHaveLength(2);
    policies.happened({ vm: "web", event: "metadata-change", detail: "" });
    await policies.shown("web", running);
    expect(asked).toHaveLength(4);
    policies.happened("missed");
    await policies.shown("web", stopped);
    expect(asked.at(-1)).toEqual([
      "metadata",
      "web",
      "--uri",
      "urn:evenkeel:policy:1",
      "--current",
    ]);
  });

  it.each([
    ["the definition", { "--config": "<policy pin='host-b'/>", "--live": policyElement(noPolicy) }],
    ["what runs", { "--config": policyElement(noPolicy), "--live": "<policy pin='host-b'/>" }],
    ["both, the definition's", { "--config": "<policy pin='host-b'/>", "--live": "<policy/>" }],
  ])("takes a hand's edit of %s", async (_, elements) => {
    const { policies } = daemon(elements);
    const shown = await policies.shown("web", running);
    expect(shown).toEqual({ policy: pinned, isEdited: true, problem: null });
  });

  it("shows none where there is none, and does not say where libvirt does not", async () => {
    const none = { policy: null, isEdited: false, problem: null };
    expect(await daemon({}).policies.shown("web", running)).toEqual(none);
    const failing = async () => {
      throw new HypervisorError("libvirtd does not answer", { code: "HYPERVISOR_MISSING" });
    };
    const parts = { asking: { ask: failing } } as unknown as DomainPoliciesParts;
    expect(await new DomainPolicies(parts).shown("web", running)).toBeUndefined();
  });

  it("writes into what runs and into its definition", async () => {
    const { asked, policies } = daemon({ "--config": "" });
    await policies.write({ name: "web", policy: pinned } as never);
    expect(asked[0]?.slice(-2)).toEqual(["--live", "--config"]);
    expect(asked[0]).toContain(policyElement(pinned));
  });
});
