/** One virsh that stays, against libvirt's own pretended host: no daemon is needed. */
import { existsSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { VirshSession } from "#agent/hypervisor/libvirt/virsh-session.ts";
import { SystemClock } from "#agent/os/system-clock.ts";

const PRETENDED = "test:///default";
const isInstalled = existsSync("/usr/bin/virsh");
const sessions: VirshSession[] = [];

function session(uri: string, virsh = "virsh"): VirshSession {
  const made = new VirshSession({ virsh, uri, clock: new SystemClock() });
  sessions.push(made);
  return made;
}

afterEach(() => {
  for (const made of sessions.splice(0)) made.close();
});

describe.skipIf(!isInstalled)("VirshSession", () => {
  it("answers many questions in their order, each with its own answer", async () => {
    const asking = session(PRETENDED);
    const names = Array.from({ length: 20 }, (_, i) => `word-${i} 'quoted'`);
    const answers = await Promise.all([
      ...names.map((name) => asking.ask(["echo", name])),
      asking.ask(["list", "--all", "--name"]),
    ]);
    expect(answers.slice(0, -1)).toEqual(names);
    expect(answers.at(-1)?.trim()).toBe("test");
  });

  it("tells what failed by its code, and goes on", async () => {
    const asking = session(PRETENDED);
    await expect(asking.ask(["dominfo", "nobody"])).rejects.toMatchObject({ code: "VM_ABSENT" });
    expect(await asking.ask(["dominfo", "test"])).toContain("running");
  });

  it("gives up a question that takes too long, and answers the next with a new process", async () => {
    const asking = session(PRETENDED);
    const event = ["event", "--domain", "test", "--event", "lifecycle", "--timeout", "60"];
    await expect(asking.ask(event, 300)).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect(await asking.ask(["echo", "back"])).toBe("back");
  });

  it("says what to do when there is no daemon, and when there is no virsh", async () => {
    const down = session("qemu+unix:///system?socket=/nowhere/libvirt-sock");
    await expect(down.ask(["version"])).rejects.toThrow(/libvirtd does not answer: start it/);
    const missing = session(PRETENDED, "/nowhere/virsh");
    await expect(missing.ask(["version"])).rejects.toThrow(/apt install libvirt-clients/);
  });

  it("rejects what waits when it is closed", async () => {
    const asking = session(PRETENDED);
    const waiting = [asking.ask(["echo", "1"]), asking.ask(["echo", "2"])];
    asking.close();
    const ends = await Promise.allSettled(waiting);
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(asking.ask(["echo", "3"])).rejects.toThrow(/stopped/);
  });
});
