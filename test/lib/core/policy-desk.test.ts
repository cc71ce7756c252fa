import { describe, expect, it } from "vitest";
import type { ShownPolicy } from "#lib/model/copy.ts";
import { noPolicy } from "#lib/model/policy-change.ts";
import type { VmPolicy } from "#lib/model/vm-spec.ts";
import { copies, NodeDriver, ownLine, settledDriver } from "../../support/node-driver.ts";
import { summaryRecord } from "../../support/view-records.ts";

const pinned: VmPolicy = { ...noPolicy, pin: "host-b" };

/** A host with one running VM, on libvirt. */
function libvirtDriver(): NodeDriver {
  const driver = new NodeDriver();
  const hypervisor = { ...summaryRecord("any", 1).body.hypervisor, kind: "libvirt" as const };
  driver.start({ journal: [ownLine("web")], copies: copies({ web: "running" }), hypervisor });
  driver.sample(6, { web: 0.1 });
  driver.forget();
  return driver;
}

function show(driver: NodeDriver, shown: Partial<ShownPolicy>): void {
  const policy = { policy: null, isEdited: false, problem: null, ...shown };
  const copy = { vm: "web", state: "running", moveId: null, policy } as const;
  driver.step({ type: "copiesListed", copies: [copy] });
}

function keptPolicy(driver: NodeDriver): unknown {
  return (driver.kept("vm/web") as { spec: { policy: VmPolicy } }).spec.policy;
}

describe("PolicyDesk.set()", () => {
  it("changes what is named, durably, and tells what holds then", () => {
    const driver = settledDriver({ own: ["web"] });
    const first = driver.ask({ verb: "set", vm: "web", change: { pin: "host-b" } });
    expect(first).toMatchObject({ status: 200, message: "web: pin=host-b" });
    driver.ask({ verb: "set", vm: "web", change: { shutdown: "suspend", priority: 9 } });
    expect(keptPolicy(driver)).toEqual({ ...pinned, shutdown: "suspend", priority: 9 });
    expect(driver.runs(driver.all)).toEqual([]);
  });

  it("refuses a policy that cannot be, and leaves what was", () => {
    const driver = settledDriver({ own: ["web"] });
    const change = { affinityGroup: "a", antiAffinityGroup: "a" };
    expect(driver.ask({ verb: "set", vm: "web", change })).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^anti-affinity: /),
    });
    expect(keptPolicy(driver)).toEqual(noPolicy);
  });

  it("waits for the end of a move", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.ask({ verb: "migrate", vm: "web", target: "QmOther" });
    driver.end("offer", {
      ...{ spec: {} as never, hypervisorVersion: "1", accelerator: "none" as const },
      ...{ machineType: "sim", storageNonce: null },
    });
    const [proposed] = driver.sends("propose");
    driver.receive("QmOther", { type: "grant", moveId: proposed?.message.moveId ?? "" });
    const answer = driver.ask({ verb: "set", vm: "web", change: { pin: "host-b" } });
    expect(answer).toMatchObject({ status: 409, message: expect.stringContaining("move") });
  });

  it("answers once libvirt shows it, too", () => {
    const driver = libvirtDriver();
    expect(driver.ask({ verb: "set", vm: "web", change: { pin: "host-b" } })).toBeUndefined();
    expect(driver.runs()).toMatchObject([{ op: "writePolicy", spec: { policy: pinned } }]);
    driver.end("writePolicy", null);
    expect(driver.replyTo(driver.lastRequest)).toMatchObject({ status: 200 });
  });

  it("holds though libvirt cannot be told, which is told again whatever is shown", () => {
    const driver = libvirtDriver();
    driver.ask({ verb: "set", vm: "web", change: { pin: "host-b" } });
    driver.fail("writePolicy");
    expect(driver.replyTo(driver.lastRequest)?.message).toContain("could not be told yet");
    expect(driver.notices("policy-unwritten")).toHaveLength(1);
    show(driver, { policy: noPolicy, isEdited: true });
    expect(keptPolicy(driver)).toEqual(pinned);
    expect(driver.runs()).toMatchObject([{ op: "writePolicy", spec: { policy: pinned } }]);
  });
});

describe("PolicyDesk.copiesListed()", () => {
  it("takes over what a hand wrote, and writes it back as it is kept", () => {
    const driver = libvirtDriver();
    show(driver, { policy: pinned, isEdited: true });
    expect(keptPolicy(driver)).toEqual(pinned);
    expect(driver.runs()).toMatchObject([{ op: "writePolicy", spec: { policy: pinned } }]);
    expect(driver.notices("policy")[0]?.message).toContain("web: pin=host-b");
    driver.end("writePolicy", null);
    show(driver, { policy: pinned });
    expect(driver.runs()).toEqual([]);
  });

  it.each([
    ["was removed", { policy: null }],
    ["is older than the journal's", { policy: noPolicy }],
  ])("writes what is kept where what is shown %s", (_, shown) => {
    const driver = libvirtDriver();
    driver.ask({ verb: "set", vm: "web", change: { pin: "host-b" } });
    driver.end("writePolicy", null);
    show(driver, shown);
    expect(driver.runs()).toMatchObject([{ op: "writePolicy", spec: { policy: pinned } }]);
    expect(keptPolicy(driver)).toEqual(pinned);
  });

  it("keeps the last good policy of one that cannot be read, moves nothing, and says so once", () => {
    const driver = libvirtDriver();
    const { hypervisor } = summaryRecord("any", 1).body;
    driver.hear("QmOther", { name: "other", hypervisor: { ...hypervisor, kind: "libvirt" } });
    const problem = 'its policy in libvirt: shutdown: "reboot" is not one of off, suspend';
    show(driver, { problem, isEdited: true });
    show(driver, { problem, isEdited: true });
    expect(keptPolicy(driver)).toEqual(noPolicy);
    const told = driver.notices("policy-unreadable").map(({ message }) => message);
    expect(told).toEqual([
      expect.stringMatching(/^web: its policy in libvirt: shutdown.*no rules/),
    ]);
    const answer = driver.ask({ verb: "migrate", vm: "web", target: "QmOther" });
    expect(answer).toMatchObject({ status: 409, message: expect.stringContaining("shutdown") });
    show(driver, { policy: noPolicy, isEdited: true });
    expect(driver.ask({ verb: "migrate", vm: "web", target: "QmOther" })).toBeUndefined();
  });

  it("mends one that cannot be read by the operator's word", () => {
    const driver = libvirtDriver();
    show(driver, { problem: "no", isEdited: true });
    driver.ask({ verb: "set", vm: "web", change: { pin: "host-b" } });
    expect(driver.runs()).toMatchObject([{ op: "writePolicy" }]);
  });
});
