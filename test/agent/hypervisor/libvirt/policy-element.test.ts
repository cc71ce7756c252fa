import { describe, expect, it } from "vitest";
import { policyElement, readPolicyElement } from "#agent/hypervisor/libvirt/policy-element.ts";
import { noPolicy } from "#lib/model/policy-change.ts";

const policy = { ...noPolicy, pin: "host-b", shutdown: "suspend" } as const;

describe("readPolicyElement", () => {
  it.each([noPolicy, policy])("knows what evenkeel wrote: %j", (written) => {
    const shown = { policy: written, isEdited: false, problem: null };
    expect(readPolicyElement(policyElement(written))).toEqual(shown);
    // As libvirt prints it.
    const printed = `${policyElement(written).replaceAll("'", '"')}\n\n`;
    expect(readPolicyElement(printed)).toEqual(shown);
  });

  it.each([
    "<policy pin='host-b' shutdown='suspend'/>",
    '<evenkeel:policy xmlns:evenkeel="urn:evenkeel:policy:1" pin="host-b" shutdown="suspend"/>',
    '<policy shutdown = "suspend" pin="host-b"></policy>',
    policyElement(noPolicy).replace("<policy", "<policy pin='host-b' shutdown='suspend'"),
  ])("takes a hand's for an edit: %s", (element) => {
    expect(readPolicyElement(element)).toEqual({ policy, isEdited: true, problem: null });
  });

  it.each([
    ["<policy pin='a' colour='red'/>", '"colour" is no setting'],
    ["<policy shutdown='reboot'/>", 'shutdown: "reboot" is not one of'],
    ["<policy affinity='a' anti-affinity='a'/>", "anti-affinity: a is its affinity group too"],
    ["<policy>pin=host-b</policy>", "not one empty element"],
    ["<policy pin='&lt;b&gt;'/>", 'pin: "<b>" is not a host'],
    ["<rules/>", "not one empty element"],
    [`<policy pin='${"x".repeat(3000)}'/>`, "longer than 2048"],
    ["", "not one empty element"],
  ])("says what is wrong with %s, and how to mend it", (element, words) => {
    const { policy: none, isEdited, problem } = readPolicyElement(element);
    expect({ none, isEdited }).toEqual({ none: null, isEdited: true });
    expect(problem).toContain(words);
    expect(problem).toContain("evenkeel vm set");
  });

  it("is quick on a long text of nearly fitting attributes", () => {
    const element = `<policy ${"a='b' ".repeat(330)}<`;
    expect(readPolicyElement(element).problem).toContain("not one empty element");
  });
});
