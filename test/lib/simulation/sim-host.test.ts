import { describe, expect, it } from "vitest";
import type { CopyState } from "#lib/model/copy.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import { counterMs, hasProcess, isWhole, type SimCopy } from "#lib/simulation/sim-copy.ts";
import { type CopyChange, SimHost } from "#lib/simulation/sim-host.ts";
import { SimHostError } from "#lib/simulation/sim-host-error.ts";
import { simHypervisor } from "#lib/simulation/sim-hypervisor.ts";
import { simOffer, simRefusal } from "#lib/simulation/sim-offer.ts";

const spec = simVmSpec("web");
const moveId = "web.2.0123456789abcdef";
const other = "web.2.fedcba9876543210";

function codeOf(act: () => void): string {
  try {
    act();
  } catch (error) {
    return error instanceof SimHostError ? error.code : String(error);
  }
  return "no error";
}

function started(): SimHost {
  const host = new SimHost();
  host.start(spec, 1_000);
  return host;
}

/** A source at 3000 ms that has sent its copy, and the target that has it whole. */
function transferred(): { source: SimHost; target: SimHost } {
  const source = started();
  const target = new SimHost();
  target.prepareIncoming(moveId, spec);
  source.beginSending(moveId, "web");
  target.finishReceiving("web", source.haltSending("web", 3_000));
  source.finishSending("web");
  return { source, target };
}

function stateOf(host: SimHost): CopyState | undefined {
  return host.copy("web")?.state;
}

function countAt(host: SimHost, nowMs: number): number {
  return counterMs(host.copy("web") as SimCopy, nowMs);
}

describe("SimHost", () => {
  it("start() runs a guest that counts its time, and refuses a second", () => {
    const host = started();
    expect(host.list()).toEqual([{ vm: "web", state: "running", moveId: null }]);
    expect(countAt(host, 1_500)).toBe(500);
    expect(codeOf(() => host.start(spec, 2_000))).toBe("VM_EXISTS");
  });

  it("stop() leaves nothing and may be repeated", () => {
    const host = started();
    host.stop("web");
    host.stop("web");
    expect(host.list()).toEqual([]);
  });

  it("resume() goes on where suspend() stopped, and uses the image up", () => {
    const host = started();
    host.suspend(spec, 2_000);
    expect(codeOf(() => host.start(spec, 2_500))).toBe("VM_EXISTS");
    host.resume(spec, 5_000);
    expect(countAt(host, 5_100)).toBe(1_100);
    expect(host.kill("web")).toBe(true);
    expect(stateOf(host)).toBe("stale");
    expect(codeOf(() => host.resume(spec, 6_000))).toBe("IMAGE_STALE");
    host.start(spec, 6_000);
    expect(countAt(host, 6_000)).toBe(0);
  });

  it("forget() removes an image and refuses a process", () => {
    const host = started();
    expect(codeOf(() => host.forget("web"))).toBe("VM_STATE");
    host.suspend(spec, 2_000);
    host.forget("web");
    expect(host.list()).toEqual([]);
  });

  it("a move carries the count over, and the source's copy stays whole until it is discarded", () => {
    const { source, target } = transferred();
    expect([stateOf(source), stateOf(target)]).toEqual(["sent", "received"]);
    expect(source.moveVerdict("web")).toBe("open");
    expect(target.moveVerdict("web")).toBe("open");
    target.runIncoming(moveId, "web", 9_000);
    target.runIncoming(moveId, "web", 9_500);
    expect(countAt(target, 9_100)).toBe(2_100);
    source.discard(moveId, "web");
    expect(source.moveVerdict("web")).toBe("gone");
    expect(target.moveVerdict("web")).toBe("aborted");
  });

  it("takeBack() runs a sent copy on, and names one that is gone", () => {
    const { source } = transferred();
    source.takeBack(moveId, "web", 8_000);
    source.takeBack(moveId, "web", 8_500);
    expect(countAt(source, 8_100)).toBe(2_100);
    expect(codeOf(() => source.takeBack(other, "web", 8_600))).toBe("VM_ABSENT");
    source.kill("web");
    expect(codeOf(() => source.takeBack(moveId, "web", 8_700))).toBe("VM_ABSENT");
  });

  it("a broken stream lets the source run on and ends the target", () => {
    const source = started();
    const target = new SimHost();
    target.prepareIncoming(moveId, spec);
    source.beginSending(moveId, "web");
    expect(source.moveVerdict("web")).toBe("in-doubt");
    source.haltSending("web", 3_000);
    expect(countAt(source, 4_000)).toBe(2_000);
    source.failSending("web", 4_000);
    target.failReceiving("web");
    expect(countAt(source, 4_500)).toBe(2_500);
    expect(target.list()).toEqual([]);
    expect(source.moveVerdict("web")).toBe("aborted");
  });

  it("discard() kills the copy of its own move only", () => {
    const { target } = transferred();
    target.discard(other, "web");
    expect(stateOf(target)).toBe("received");
    target.discard(moveId, "web");
    target.discard(moveId, "web");
    expect(target.list()).toEqual([]);
  });

  it("prepareIncoming() refuses where a copy is", () => {
    expect(codeOf(() => started().prepareIncoming(moveId, spec))).toBe("VM_EXISTS");
  });

  it("crash() keeps images only, and without the disk nothing", () => {
    const host = started();
    host.start(simVmSpec("b"), 1_000);
    host.suspend(spec, 2_000);
    host.crash(false);
    expect(host.list()).toEqual([{ vm: "web", state: "suspended", moveId: null }]);
    host.crash(true);
    expect(host.list()).toEqual([]);
  });

  it("tells every change with its cause, after it happened", () => {
    const changes: CopyChange[] = [];
    const host = new SimHost((change) => changes.push(change));
    host.start(spec, 0);
    host.beginSending(moveId, "web");
    host.failSending("web", 10);
    host.kill("web");
    expect(changes.map((c) => [c.before?.state, c.after?.state, c.cause])).toEqual([
      [undefined, "running", "order"],
      ["running", "sending", "order"],
      ["sending", "running", "stream"],
      ["running", undefined, "fault"],
    ]);
  });
});

describe("a copy", () => {
  it("takes memory while it has a process, and is whole unless it is arriving or used up", () => {
    const states = ["running", "sent", "receiving", "received", "suspended", "stale"] as const;
    const base = started().copy("web") as SimCopy;
    const copies = states.map((state) => ({ ...base, state }));
    expect(copies.map(hasProcess)).toEqual([true, true, true, true, false, false]);
    expect(copies.map(isWhole)).toEqual([true, true, false, true, true, false]);
  });
});

describe("simRefusal()", () => {
  it("takes what a host of its own version offers, unless it has the VM", () => {
    const offer = simOffer(spec);
    expect(simRefusal(offer, undefined)).toBeNull();
    expect(simRefusal(offer, started().copy("web"))).toMatch(/web is running/);
    const newer = { ...offer, hypervisorVersion: "9.9" };
    expect(simRefusal(newer, undefined)).toContain(simHypervisor.version);
  });
});
