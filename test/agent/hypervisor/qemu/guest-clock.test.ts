import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Guest } from "#agent/hypervisor/qemu/guest.ts";
import { agentOf, setGuestClock } from "#agent/hypervisor/qemu/guest-clock.ts";
import { FakeGuestAgent, wellBehaved } from "../../../support/fake-guest-agent.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

/** Longer than any wait for the agent. */
const LONG_MS = 10_000;

async function setUp({ guestAgent = true } = {}) {
  const path = join(temporaryFolder(), "qga.sock");
  const fake = await FakeGuestAgent.listen(path);
  const clock = new ManualClock();
  const log = new MemoryLog();
  const spec = { name: "web-1", ...(guestAgent && { guestAgent: true }) };
  const guest = {
    vm: "web-1",
    record: { spec },
    paths: { agent: path },
    clock,
  } as unknown as Guest;
  const agent = await agentOf(guest);
  onTestFinished(async () => {
    agent?.close();
    await fake.close();
  });
  const set = () => setGuestClock(guest, agent, log);
  const heard = (execute: string) =>
    vi.waitFor(() => expect(fake.commands.at(-1)?.execute).toBe(execute));
  return { fake, clock, log, agent, set, heard, guest };
}

const reasons = (log: MemoryLog) => log.records.map(({ facts }) => facts?.["reason"]);

describe("setGuestClock()", () => {
  it("first sees that the agent listens, then tells it the host's time to the nanosecond", async () => {
    const { fake, log, set } = await setUp();
    await set();
    expect(fake.commands.map(({ execute }) => execute)).toEqual([
      "guest-sync-delimited",
      "guest-set-time",
    ]);
    expect(fake.commands[1]?.time).toBe("1700000000000000000");
    expect(log.records).toEqual([]);
  });

  it("tells the time of the moment when the agent listens, not of the question", async () => {
    const { fake, clock, set, heard } = await setUp();
    fake.reply = (command) =>
      command.execute === "guest-set-time" ? wellBehaved(command) : undefined;
    const setting = set();
    await heard("guest-sync-delimited");
    clock.advance(700);
    fake.send(wellBehaved(fake.commands[0] ?? { execute: "", id: 0, time: undefined }));
    await setting;
    expect(fake.commands[1]?.time).toBe("1700000000700000000");
  });

  it("passes over what an earlier conversation left, whatever it is", async () => {
    const { fake, log, set } = await setUp();
    fake.reply = (command) =>
      command.id === undefined
        ? wellBehaved(command)
        : Buffer.concat([
            Buffer.from('half a li\xff{"return": 5}\n[]\n{"error": {}}\n{"retu', "latin1"),
            Buffer.from(wellBehaved(command)),
          ]);
    await set();
    expect(fake.commands[1]?.execute).toBe("guest-set-time");
    expect(log.records).toEqual([]);
  });

  it("gives a silent agent up, and says for which VM and what to do", async () => {
    const { fake, clock, log, set, heard } = await setUp();
    fake.reply = () => undefined;
    const setting = set();
    await heard("guest-sync-delimited");
    clock.advance(LONG_MS);
    await setting;
    expect(log.records).toEqual([
      {
        level: "warn",
        message: expect.stringMatching(/clock.*not set.*see that the agent/),
        facts: { vm: "web-1", reason: "no answer within 2000 ms" },
      },
    ]);
  });

  it("waits only a little for an agent that was told and is still at it", async () => {
    const { fake, clock, log, set, heard } = await setUp();
    fake.reply = (command) => (command.id === undefined ? undefined : wellBehaved(command));
    const setting = set();
    await heard("guest-set-time");
    clock.advance(250);
    await setting;
    expect(log.records).toEqual([]);
  });

  it("says the agent's own words, shortened and on one line, when it cannot", async () => {
    const { fake, log, set } = await setUp();
    const desc = JSON.stringify(`no\npermission${"x".repeat(1_000)}`);
    fake.reply = (command) =>
      command.id === undefined ? `{"error": {"desc": ${desc}}}\n` : wellBehaved(command);
    await set();
    expect(reasons(log)).toEqual([expect.stringMatching(/^no permissionx{187}$/)]);
  });

  it.each([
    ["a line without end", Buffer.alloc(5_000, "x")],
    ["a line that is too long", `{"return": "${"x".repeat(5_000)}"}\n`],
    ["no end of lines", '{"return": 1}\n'.repeat(10_000)],
  ])("hangs up on a guest that sends %s", async (_what, bytes) => {
    const { fake, log, set } = await setUp();
    fake.reply = () => bytes;
    await set();
    expect(reasons(log)).toEqual(["it sends more than an agent does"]);
    await vi.waitFor(() => expect(fake.closed).toBe(1));
  });

  it.each([
    ["garbage", Buffer.from([0, 1, 0xff, 0x80, 0x0a, 0x22, 0x0a])],
    ["the answer to another question", Buffer.from('\xff{"return": 0.5}\n', "latin1")],
    ["an id as a text", '{"return": "1"}\n'],
    ["deep nesting", `${"[".repeat(3_000)}\n`],
  ])("takes %s for silence", async (_what, bytes) => {
    const { fake, clock, log, set, heard } = await setUp();
    fake.reply = () => bytes;
    const setting = set();
    await heard("guest-sync-delimited");
    clock.advance(LONG_MS);
    await setting;
    expect(reasons(log)).toEqual(["no answer within 2000 ms"]);
  });

  it("does not wait for a guest that is gone, neither before nor while it is asked", async () => {
    const { fake, log, set, heard } = await setUp();
    fake.reply = () => undefined;
    const setting = set();
    await heard("guest-sync-delimited");
    fake.hangUp();
    await setting;
    await set();
    expect(reasons(log)).toEqual(["its port was closed", "its port was closed"]);
  });

  it("says so when nobody took the connection", async () => {
    const { log, guest } = await setUp();
    await setGuestClock(guest, undefined, log);
    expect(reasons(log)).toEqual(["its port takes no connection"]);
  });

  it("has nothing to do for a guest without an agent", async () => {
    const { fake, log, agent, set } = await setUp({ guestAgent: false });
    await set();
    expect(agent).toBeUndefined();
    expect(fake.commands).toEqual([]);
    expect(log.records).toEqual([]);
  });
});

describe("agentOf()", () => {
  it("is undefined where nobody listens", async () => {
    const { guest } = await setUp();
    const paths = { agent: join(temporaryFolder(), "none.sock") };
    expect(await agentOf({ ...guest, paths } as unknown as Guest)).toBeUndefined();
  });
});
