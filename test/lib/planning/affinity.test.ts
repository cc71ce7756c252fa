import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { ActionReason } from "#lib/model/action.ts";
import { gatheringHost } from "#lib/planning/affinity.ts";
import type { HostFigures } from "#lib/planning/host-figures.ts";
import { brokenRule, ruleRefusal } from "#lib/planning/rules.ts";
import { hostFigures, vmFigures } from "../../support/planning-figures.ts";

const GIB = 2 ** 30;
const part = (vms: number, memoryBytes = vms * GIB) => ({
  affinityGroups: [{ group: "web", vms, memoryBytes }],
});

interface Row {
  readonly name: string;
  readonly vm?: Parameters<typeof vmFigures>[1];
  readonly from?: Partial<HostFigures>;
  readonly to?: Partial<HostFigures>;
  readonly reason?: ActionReason;
  readonly expected: string | null;
}

const atC = { gatherAt: { host: "node-c", name: "node-c" } };
const together = "web-1 is kept together with web-2 (affinity group web)";

const rows: readonly Row[] = [
  { name: "stays with its companion", from: part(2), expected: together },
  { name: "stays, although the host is hot", from: part(2), reason: "hot", expected: together },
  { name: "stays, even for the operator", from: part(2), reason: "operator", expected: together },
  {
    name: "tells how many it stays with where their names are not known",
    vm: { companions: [] },
    from: part(3),
    expected: "web-1 is kept together with 2 others (affinity group web)",
  },
  {
    name: "names no more than three",
    vm: { companions: ["a", "b", "c", "d", "e"] },
    from: part(6),
    expected: "web-1 is kept together with a, b, c and 2 more (affinity group web)",
  },
  { name: "goes where it likes when it is alone", from: part(1), expected: null },
  { name: "joins the larger part", from: part(1), to: part(2), reason: "rule", expected: null },
  {
    name: "waits for the smaller part",
    from: part(2),
    to: part(1),
    reason: "rule",
    expected: "node-a holds more of affinity group web than node-b, which is to follow",
  },
  {
    name: "joins the smaller part by the operator's word",
    from: part(2),
    to: part(1),
    reason: "operator",
    expected: null,
  },
  {
    name: "goes nowhere else while its group gathers",
    vm: atC,
    from: part(1),
    expected: "web-1 is apart from affinity group web, most of which is on node-c",
  },
  {
    name: "follows one that left a moment ago, before the target says so",
    vm: { gatherAt: { host: "node-b", name: "node-b" } },
    from: { ...part(2), draining: true },
    reason: "drain",
    expected: null,
  },
  {
    name: "leaves a draining host as the first",
    from: { ...part(2), draining: true },
    reason: "drain",
    expected: null,
  },
  {
    name: "leaves a draining host only for one with room for all",
    from: { ...part(2, 50 * GIB), draining: true },
    to: { memoryBytes: 45 * GIB },
    reason: "drain",
    expected: "node-b has no room for all 2 VMs of affinity group web",
  },
  {
    name: "follows the first to the smaller part when its host drains",
    from: { ...part(3), draining: true },
    to: part(1),
    reason: "drain",
    expected: null,
  },
];

test.each(rows)("ruleRefusal(): a VM of an affinity group $name", (row) => {
  const policy = { affinityGroup: "web" };
  const vm = vmFigures("web-1", { policy, companions: ["web-2"], ...row.vm });
  const from = hostFigures("node-a", row.from);
  const to = hostFigures("node-b", row.to);
  const options = { reason: row.reason ?? "imbalance", memoryShareMax: 0.9 };
  expect(ruleRefusal(vm, from, to, options)).toBe(row.expected);
});

test("brokenRule() says where the rest of the group is", () => {
  const vm = vmFigures("web-1", { policy: { affinityGroup: "web" }, ...atC });
  expect(brokenRule(vm, hostFigures("node-a"), [vm])).toBe(
    "web-1 is apart from affinity group web, most of which is on node-c",
  );
  expect(brokenRule({ ...vm, gatherAt: null }, hostFigures("node-a"), [vm])).toBeNull();
});

describe("gatheringHost()", () => {
  it("is the host with the most VMs, then the most memory, then the lower id", () => {
    const hosts = (parts: readonly (readonly [number, number])[]) =>
      parts.map(([vms, memory], i) => hostFigures(`node-${i}`, part(vms, memory)));
    const at = (...parts: [number, number][]) => gatheringHost("web", hosts(parts))?.host;
    expect(at([1, 9], [2, 3], [2, 2])).toBe("node-1");
    expect(at([2, 3], [2, 9])).toBe("node-1");
    expect(at([2, 3], [2, 3])).toBe("node-0");
    expect(at([0, 0])).toBeUndefined();
    expect(gatheringHost("db", hosts([[2, 2]]))).toBeUndefined();
  });

  it("is no draining host while another has some", () => {
    const leaving = hostFigures("a", { ...part(5), draining: true });
    expect(gatheringHost("web", [leaving, hostFigures("b", part(1))])?.host).toBe("b");
    expect(gatheringHost("web", [leaving, hostFigures("b")])?.host).toBe("a");
  });

  it("never lets two halves change places: of any two hosts only one may send to the other", () => {
    const anyPart = fc.record({ vms: fc.integer({ min: 1, max: 3 }), gib: fc.nat(2) });
    fc.assert(
      fc.property(anyPart, anyPart, fc.constantFrom("rule", "imbalance", "hot"), (a, b, reason) => {
        const hosts = [
          hostFigures("node-a", part(a.vms, a.gib)),
          hostFigures("node-b", part(b.vms, b.gib)),
        ] as const;
        const vm = vmFigures("web-1", { policy: { affinityGroup: "web" } });
        const options = { reason, memoryShareMax: 0.9 } as const;
        const there = ruleRefusal(vm, hosts[0], hosts[1], options);
        const back = ruleRefusal(vm, hosts[1], hosts[0], options);
        expect([there, back].filter((refusal) => refusal === null)).toHaveLength(1);
      }),
    );
  });
});
