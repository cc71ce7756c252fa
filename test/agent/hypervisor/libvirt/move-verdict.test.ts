import { describe, expect, it } from "vitest";
import { copyStateOf, type DomainLook } from "#agent/hypervisor/libvirt/domain-state.ts";
import { verdictOn } from "#agent/hypervisor/libvirt/move-verdict.ts";
import type { VmRecord } from "#agent/hypervisor/libvirt/vm-record.ts";
import type { CopyState } from "#lib/model/copy.ts";
import type { MoveVerdict } from "#lib/model/host-op.ts";

const MOVE = "web.2.0123456789abcdef";
const OTHER = "web.3.0123456789abcdef";

const look = (state: number, reason: number, more: Partial<DomainLook> = {}): DomainLook => ({
  state,
  reason,
  isPersistent: true,
  savedImage: null,
  ...more,
});
const running = look(1, 1);
const resumedByLibvirt = look(1, 6);
const pausedByUser = look(3, 1);
const pausedByMigration = look(3, 2);
const ioError = look(3, 5);
const off = (reason: number) => look(5, reason);
const [unknown, crashed, migrated] = [off(0), off(3), off(4)];

const out: VmRecord = { moveId: MOVE, role: "out", image: "none", used: null };
const incoming: VmRecord = { moveId: MOVE, role: "in", image: "none", used: null };
const own: VmRecord = { moveId: MOVE, role: "own", image: "none", used: null };

const consumed: VmRecord = { ...own, image: "consumed", used: "1:1" };

/** What two real libvirtds left in the spike's runs, and what it means. */
const verdicts: readonly [string, DomainLook | undefined, VmRecord | undefined, MoveVerdict][] = [
  ["source, handed over and undefined", undefined, out, "committed"],
  ["source, handed over, libvirtd slower than its clean-up", migrated, out, "committed"],
  ["source, resumed by libvirt after a lost answer", resumedByLibvirt, out, "aborted"],
  ["source, libvirtd died over the end", pausedByMigration, out, "open"],
  ["source, its QEMU died", crashed, out, "gone"],
  ["source, its host died", unknown, out, "gone"],
  ["source, paused by its disk", ioError, out, "in-doubt"],
  ["source, paused by somebody", pausedByUser, out, "in-doubt"],
  ["source, another move's", pausedByMigration, { ...out, moveId: OTHER }, "in-doubt"],
  ["source, another move's, no domain", undefined, { ...out, moveId: OTHER }, "gone"],
  ["nobody knows of it", undefined, undefined, "gone"],
  ["target, whole", pausedByUser, incoming, "open"],
  ["target, not yet whole", pausedByMigration, incoming, "in-doubt"],
  ["target, whole but transient", look(3, 1, { isPersistent: false }), incoming, "in-doubt"],
  ["target, runs", running, own, "aborted"],
  ["target, nothing came", undefined, incoming, "gone"],
  ["target, its QEMU died", crashed, incoming, "gone"],
  ["target, another move's copy runs", running, { ...incoming, moveId: OTHER }, "in-doubt"],
];

const states: readonly [string, DomainLook, VmRecord | undefined, CopyState | undefined][] = [
  ["runs", running, undefined, "running"],
  ["is shutting down", look(4, 1), undefined, "running"],
  ["is paused", pausedByUser, undefined, "paused"],
  ["is paused, long after its move", pausedByUser, own, "paused"],
  ["was sent, and libvirtd died", pausedByMigration, out, "sent"],
  ["comes in", pausedByMigration, incoming, "receiving"],
  ["has come in", pausedByUser, incoming, "received"],
  ["has a managed save", look(5, 5, { savedImage: "1:1" }), own, "suspended"],
  ["was saved by the admin", look(5, 5, { savedImage: "1:1" }), undefined, "suspended"],
  ["died after its image was used", crashed, consumed, "stale"],
  ["died, and its used image is still there", look(5, 3, { savedImage: "1:1" }), consumed, "stale"],
  [
    "was saved anew after its image was used",
    look(5, 5, { savedImage: "2:7" }),
    consumed,
    "suspended",
  ],
  [
    "was used by an agent that did not say which image",
    look(5, 5, { savedImage: "2:7" }),
    { ...consumed, used: null },
    "stale",
  ],
  ["is the admin's and off", unknown, undefined, "defined"],
  ["is ours and off", unknown, own, undefined],
];

describe("verdictOn", () => {
  it.each(verdicts)("%s", (_case, seen, record, verdict) => {
    expect(verdictOn(seen, record, MOVE)).toBe(verdict);
  });
});

describe("copyStateOf", () => {
  it.each(states)("a domain that %s", (_case, seen, record, state) => {
    expect(copyStateOf(seen, record, false)).toBe(state);
  });

  it("sends for as long as this agent sends it, also while libvirt holds it paused", () => {
    expect(copyStateOf(pausedByMigration, out, true)).toBe("sending");
    expect(copyStateOf(crashed, out, true)).toBeUndefined();
  });
});
