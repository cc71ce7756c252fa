import { describe, expect, it } from "vitest";
import type { MemberHost } from "#agent/ports/members.ts";
import { type MemberOp, MemberPerformer } from "#agent/runtime/perform-member-op.ts";
import type { CopyReport } from "#lib/model/copy.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { stubHypervisor } from "../../support/stub-hypervisor.ts";

const probe = { address: "127.0.0.1", port: 8080, path: "/", timeoutMs: 100, msMax: 1_000 };
const spec: VmSpec = {
  name: "web-1",
  vcpus: 1,
  memoryBytes: 1 << 20,
  machine: "q35",
  kernel: { path: "/k", initrd: null, cmdline: "" },
  disks: [],
  network: { kind: "none" },
  policy: { pin: null, ignore: true, antiAffinityGroup: null, affinityGroup: null },
};
const stage: MemberOp = { op: "stageMember", spec, making: { base: null, files: [], probe } };

/** Notes what was done, in order; what `fails` names rejects. */
function rig(fails: readonly string[] = []) {
  const did: string[] = [];
  const act = async (what: string) => {
    did.push(what);
    if (fails.includes(what)) throw new Error(`no ${what}`);
  };
  const members: MemberHost = {
    files: {
      make: () => act("make"),
      diskBytes: async () => 7,
      remove: () => act("remove"),
    },
    awaitHealthy: async (_probe, signal) => {
      await act("health");
      signal.throwIfAborted();
      return { tookMs: 3 };
    },
    askHealth: () => act("ask"),
  };
  const hypervisor = stubHypervisor({
    list: async () => [{ vm: spec.name, state: "running", moveId: null }],
    startVm: () => act("start"),
    stopVm: (_vm, force) => act(force ? "kill" : "ask"),
    forgetVm: () => act("forget"),
  });
  return { did, performer: new MemberPerformer(hypervisor, members) };
}

const discarded = ["kill", "forget", "remove"];

describe("MemberPerformer", () => {
  it("stages on clean ground, and ends when the member is well", async () => {
    const { did, performer } = rig();
    expect(await performer.perform(stage)).toEqual({ diskBytes: 7 });
    expect(did).toEqual([...discarded, "make", "start", "health"]);
  });

  it.each(["make", "start", "health"])("leaves nothing when %s fails", async (step) => {
    const { did, performer } = rig([step]);
    await expect(performer.perform(stage)).rejects.toThrow(`no ${step}`);
    expect(did.slice(-3)).toEqual(discarded);
  });

  it("leaves a half-staged member alone when the agent ends", async () => {
    const { did, performer } = rig();
    const performed = performer.perform(stage);
    performer.stop();
    await expect(performed).rejects.toThrow(/abort/i);
    expect(did).toEqual([...discarded, "make", "start", "health"]);
  });

  it.each(["at once", "after a while"])("ends when the guest ends by itself, %s", async (when) => {
    const copies: CopyReport[] = [];
    let changed = (): void => {};
    let watchers = 0;
    const hypervisor = stubHypervisor({
      list: async () => copies,
      startVm: async () => {
        if (when !== "at once") copies.push({ vm: spec.name, state: "running", moveId: null });
      },
      watch: (told) => {
        watchers += 1;
        changed = told;
        return () => {
          watchers -= 1;
        };
      },
    });
    const asked = Promise.withResolvers<void>();
    const members: MemberHost = {
      files: { make: async () => {}, diskBytes: async () => 7, remove: async () => {} },
      awaitHealthy: (_probe, signal) => {
        asked.resolve();
        return new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error("given up")));
        });
      },
      askHealth: async () => {},
    };
    const staged = new MemberPerformer(hypervisor, members).perform(stage);
    staged.catch(() => {});
    await asked.promise;
    copies.splice(0);
    changed();
    await expect(staged).rejects.toMatchObject({ code: "GUEST_ENDED" });
    expect(watchers).toBe(0);
  });

  it("asks a member and discards one", async () => {
    const { did, performer } = rig();
    const check: MemberOp = { op: "checkMember", vm: "web-1", probe };
    expect(await performer.perform(check)).toEqual({ tookMs: 3 });
    expect(await performer.perform({ op: "askMember", vm: "web-1", probe })).toBeNull();
    expect(await performer.perform({ op: "discardMember", spec })).toBeNull();
    expect(did).toEqual(["health", "ask", ...discarded]);
  });

  it("refuses on a host that takes no members", async () => {
    const none = new MemberPerformer(stubHypervisor(), null);
    await expect(none.perform(stage)).rejects.toMatchObject({ code: "NO_MEMBERS" });
  });
});
