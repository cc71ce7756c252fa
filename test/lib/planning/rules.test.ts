import { expect, test } from "vitest";
import type { ActionReason } from "#lib/model/action.ts";
import type { HostFigures } from "#lib/planning/host-figures.ts";
import { anyRuleBroken, brokenRule, ruleRefusal } from "#lib/planning/rules.ts";
import { hostFigures, simHypervisor, vmFigures } from "../../support/planning-figures.ts";

const GIB = 2 ** 30;

interface Row {
  readonly name: string;
  readonly vm?: Parameters<typeof vmFigures>[1];
  readonly from?: Partial<HostFigures>;
  readonly to?: Partial<HostFigures>;
  readonly reason?: ActionReason;
  readonly expected: string | null;
}

const qemu = { ...simHypervisor, kind: "qemu", version: "10.0.2", accelerator: "kvm" } as const;

const rows: readonly Row[] = [
  { name: "nothing in the way", expected: null },
  {
    name: "ignored",
    vm: { policy: { ignore: true } },
    expected: "web is set to be ignored by the balancer",
  },
  {
    name: "ignored, but the operator says so",
    vm: { policy: { ignore: true } },
    reason: "operator",
    expected: null,
  },
  {
    name: "immovable, even for the operator",
    vm: { immovable: "a block job is running" },
    reason: "operator",
    expected: "web cannot be moved: a block job is running",
  },
  {
    name: "a host that cannot take it",
    vm: { barred: new Map([["node-b", "refused 9 s ago: it has no bridge br0"]]) },
    expected: "node-b refused 9 s ago: it has no bridge br0",
  },
  {
    name: "a host that could not take it, but the operator says so",
    vm: { barred: new Map([["node-b", "refused 9 s ago: it has no bridge br0"]]) },
    reason: "operator",
    expected: null,
  },
  {
    name: "another host that cannot take it",
    vm: { barred: new Map([["node-c", "refused 9 s ago: it has no bridge br0"]]) },
    expected: null,
  },
  {
    name: "same host",
    to: { host: "node-a", name: "node-a" },
    expected: "web is already on node-a",
  },
  {
    name: "pinned elsewhere",
    vm: { policy: { pin: "node-c" } },
    expected: "web is pinned to node-c",
  },
  { name: "pinned to the target", vm: { policy: { pin: "node-b" } }, expected: null },
  { name: "draining target", to: { draining: true }, expected: "node-b is draining" },
  {
    name: "anti-affinity",
    vm: { policy: { antiAffinityGroup: "db" } },
    to: { antiAffinityGroups: ["web", "db"] },
    expected: "node-b already has a VM of anti-affinity group db",
  },
  {
    name: "another group's VM",
    vm: { policy: { antiAffinityGroup: "db" } },
    to: { antiAffinityGroups: ["web"] },
    expected: null,
  },
  {
    name: "no slot",
    to: { freeSlotsIn: 0 },
    expected: "node-b is taking in another VM (no free slot)",
  },
  {
    name: "memory just at the limit",
    vm: { memoryBytes: 10 * GIB },
    to: { memoryBytes: 80 * GIB },
    expected: null,
  },
  {
    name: "memory above the limit",
    vm: { memoryBytes: 10 * GIB },
    to: { memoryBytes: 86 * GIB },
    expected: "node-b would be at 96 % of its memory (limit 90 %)",
  },
  {
    name: "memory a little above the limit, not rounded to it",
    vm: { memoryBytes: 10 * GIB },
    to: { memoryBytes: 80.2 * GIB },
    expected: "node-b would be at 90.2 % of its memory (limit 90 %)",
  },
  {
    name: "memory above the limit for the moment of an exchange",
    vm: { memoryBytes: 10 * GIB },
    to: { memoryBytes: 86 * GIB },
    reason: "swap",
    expected: null,
  },
  {
    name: "memory to the brim, even for an exchange",
    vm: { memoryBytes: 10 * GIB },
    to: { memoryBytes: 90 * GIB },
    reason: "swap",
    expected: "node-b would be at 100 % of its memory (limit 99 %)",
  },
  {
    name: "ignored, also by exchanges",
    vm: { policy: { ignore: true } },
    reason: "swap",
    expected: "web is set to be ignored by the balancer",
  },
  {
    name: "capacity not measured yet",
    to: { memoryCapacityBytes: 0 },
    expected: "node-b does not know its own capacity yet",
  },
  {
    name: "no live migration at the target",
    to: { hypervisor: { ...simHypervisor, liveMigrationRefusal: "QEMU 7 cannot under TCG" } },
    expected: "node-b cannot migrate live: QEMU 7 cannot under TCG",
  },
  {
    name: "no live migration at the source",
    from: { hypervisor: { ...simHypervisor, liveMigrationRefusal: "QEMU 7 cannot under TCG" } },
    expected: "node-a cannot migrate live: QEMU 7 cannot under TCG",
  },
  {
    name: "another kind of hypervisor",
    from: { hypervisor: qemu },
    expected: "node-b has kind sim, node-a has qemu",
  },
  {
    name: "another accelerator",
    from: { hypervisor: qemu },
    to: { hypervisor: { ...qemu, accelerator: "tcg" } },
    expected: "node-b has accelerator tcg, node-a has kvm",
  },
  {
    name: "another architecture",
    from: { hypervisor: qemu },
    to: { hypervisor: { ...qemu, architecture: "aarch64" } },
    expected: "node-b has architecture aarch64, node-a has x86_64",
  },
  {
    name: "an older hypervisor",
    from: { hypervisor: qemu },
    to: { hypervisor: { ...qemu, version: "9.2.10" } },
    expected: "node-b cannot take web: its hypervisor 9.2.10 is older than 10.0.2 of node-a",
  },
  {
    name: "a newer hypervisor, as in an upgrade host by host",
    from: { hypervisor: qemu },
    to: { hypervisor: { ...qemu, version: "10.0.10 (Debian 1:10.0.10+ds-1)" } },
    expected: null,
  },
];

test.each(rows)("ruleRefusal(): $name", ({ vm, from, to, reason, expected }) => {
  const refusal = ruleRefusal(
    vmFigures("web", vm),
    hostFigures("node-a", from),
    hostFigures("node-b", to),
    { reason: reason ?? "imbalance", memoryShareMax: 0.9 },
  );
  expect(refusal).toBe(expected);
});

test("brokenRule() names the pin or the neighbour that is in the way", () => {
  const self = hostFigures("node-a");
  const db = (name: string) => vmFigures(name, { policy: { antiAffinityGroup: "db" } });
  const vms = [db("db-1"), db("db-2"), vmFigures("web", { policy: { pin: "node-b" } })] as const;
  expect(brokenRule(vms[0], self, vms)).toBe(
    "db-1 and db-2 of anti-affinity group db are both on node-a",
  );
  expect(brokenRule(vms[2], self, vms)).toBe("web is pinned to node-b, not to node-a");
  expect(brokenRule(vms[0], self, [vms[0]])).toBeNull();
});

test("anyRuleBroken() counts only VMs that the balancer may move", () => {
  const self = hostFigures("node-a");
  const pinned = { pin: "node-b" };
  expect(anyRuleBroken(self, [vmFigures("web", { policy: pinned })])).toBe(true);
  expect(anyRuleBroken(self, [vmFigures("web", { policy: { ...pinned, ignore: true } })])).toBe(
    false,
  );
  expect(anyRuleBroken(self, [vmFigures("web", { policy: pinned, immovable: "USB" })])).toBe(false);
  expect(anyRuleBroken(self, [vmFigures("web", { policy: { pin: "node-a" } })])).toBe(false);
});
