import { describe, expect, it } from "vitest";
import type { Effect } from "#lib/core/effects.ts";
import { GuestTable } from "#lib/core/guest-table.ts";
import { memberPlanOf } from "#lib/core/member-plan.ts";
import { MemberSeat, type SeatLine } from "#lib/core/member-seat.ts";
import { Outbox } from "#lib/core/outbox.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";

const made = memberPlanOf(serviceSpecOf("web"), {
  host: "QmHost1234567",
  name: "n1",
  overlayFolder: "/srv/members",
});
const plan = made.ok ? made.value : null;
const done = { ok: true, value: null } as const;

function seatWith(line: SeatLine | null = null) {
  const outbox = new Outbox();
  const guests = new GuestTable();
  const declared = { plan, staged: true, drainMs: 1_000 };
  const name = plan?.vm.name ?? "";
  const options = { service: "web", name, declared, outbox, guests, drainMarkBase: 4_000 };
  const seat = new MemberSeat(options);
  const ops = (effects: readonly Effect[] = outbox.take()) =>
    effects.map((effect) => (effect.type === "run" ? effect.op.op : effect.type));
  seat.restart(line, line ? "suspended" : null, 0);
  return { seat, outbox, guests, ops };
}

const suspended: SeatLine = {
  digest: plan?.digest ?? "",
  wantsRunning: false,
  made: plan,
  overlayBytes: 1_000,
  imageBytes: 2_000,
};

describe("MemberSeat", () => {
  it("journals what it stages before it does, and its disk afterwards", () => {
    const { seat, outbox, guests, ops } = seatWith();
    ops();
    seat.feed({ type: "mayStage" }, 10);
    const [persist, run] = outbox.take();
    expect(persist).toMatchObject({ type: "persist", entries: [{ key: "member/web" }] });
    expect(JSON.stringify(persist)).toContain("/srv/images/vmlinux");
    expect(run).toMatchObject({ type: "run", op: { op: "stageMember", spec: plan?.vm } });
    expect(guests.members.get(seat.name)?.spec).toEqual(plan?.vm);
    // Until it is known, all that it may take counts.
    expect(seat.diskBytes).toBe(0);
    expect(seat.claimedBytes).toBeGreaterThan(seat.memoryBytes);
    const diskBytes = 1_000 + seat.memoryBytes;
    seat.opEnded("stageMember", { ok: true, value: { diskBytes } }, 20);
    expect(ops()).toEqual(["persist", "suspend"]);
    expect(seat.diskBytes).toBe(diskBytes);
    seat.opEnded("suspend", { ok: true, value: { imageBytes: 2_000 } }, 30);
    expect(seat.claimedBytes).toBe(3_000);
    expect(seat.news("", 30)).toMatchObject({ state: "suspended", diskBytes: 3_000 });
    expect([...guests.members.all()]).toEqual([]);
  });

  it("tells its drains apart, and heeds the word on the last one alone", () => {
    const { seat, ops } = seatWith(suspended);
    const runs = () => {
      seat.feed({ type: "run" }, 0);
      seat.opEnded("resume", done, 0);
      seat.opEnded("checkMember", { ok: true, value: { tookMs: 5 } }, 0);
      expect(seat.news("", 0)).toMatchObject({ state: "running", atSwitch: "ready" });
      seat.feed({ type: "rest" }, 0);
    };
    runs();
    expect(seat.news("", 0)).toMatchObject({ atSwitch: "drain", drainMark: 4_001 });
    seat.drained(4_001, 0);
    seat.opEnded("suspend", { ok: true, value: { imageBytes: 1 } }, 0);
    runs();
    expect(seat.drainMark).toBe(4_002);
    ops();
    seat.drained(4_001, 0);
    expect(ops()).toEqual([]);
    seat.drained(4_002, 0);
    expect(ops()).toContain("suspend");
  });

  it("believes only the second list without its image", () => {
    const { seat, ops } = seatWith(suspended);
    expect(seat.listed("suspended", 0)).toBe("well");
    expect(seat.listed(null, 0)).toBe("missing");
    expect(seat.listed("suspended", 0)).toBe("well");
    expect(seat.listed(null, 0)).toBe("missing");
    ops();
    expect(seat.listed(null, 0)).toBe("lost");
    expect(ops()).toEqual(["persist", "discardMember"]);
  });

  it("keeps its place at the switches over a restart, and has no line once nothing is left", () => {
    const outbox = new Outbox();
    const declared = { plan, staged: true, drainMs: 0 };
    const guests = new GuestTable();
    const name = plan?.vm.name ?? "";
    const options = { service: "web", name, declared, outbox, guests, drainMarkBase: 0 };
    const seat = new MemberSeat(options);
    seat.restart({ ...suspended, wantsRunning: true }, "running", 0);
    expect(seat.news("", 0)).toMatchObject({ state: "resuming", atSwitch: "kept" });
    seat.opEnded("checkMember", { ok: true, value: { tookMs: 5 } }, 0);
    seat.dismiss(0);
    seat.feed({ type: "timeout" }, 1);
    seat.feed({ type: "timeout" }, seat.nextTimeoutMs ?? 0);
    outbox.take();
    seat.opEnded("discardMember", done, 20_000);
    expect(seat.state).toBe("absent");
    expect(outbox.take()).toContainEqual({
      type: "persist",
      entries: [{ key: "member/web", value: null }],
    });
  });

  it("says what holds it back while it waits, and its load as a share of its vCPUs", () => {
    const { seat } = seatWith();
    expect(seat.news("no room", 0)).toMatchObject({ waiting: false, obstacle: "no room" });
    expect(seat.news("", 0)).toMatchObject({ waiting: true, cpuShare: null });
  });
});
