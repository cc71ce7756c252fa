import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { QmpClient, type QmpEvent } from "#agent/hypervisor/qemu/qmp-client.ts";
import { FakeQmpServer } from "../../../support/fake-qmp-server.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function setUp() {
  const server = await FakeQmpServer.listen(join(temporaryFolder(), "qmp.sock"));
  const clock = new ManualClock();
  const events: QmpEvent[] = [];
  const closed = vi.fn();
  const client = new QmpClient({
    path: server.path,
    vm: "web-1",
    clock,
    event: (event) => events.push(event),
    closed,
  });
  onTestFinished(async () => {
    client.close();
    await server.close();
  });
  return { server, clock, events, closed, client };
}

describe("QmpClient", () => {
  it("execute() negotiates once, then sends each command with an id and its arguments", async () => {
    const { server, client } = await setUp();
    server.answers.set("query-status", { return: { status: "running" } });
    const answers = await Promise.all([
      client.execute("query-status"),
      client.execute("query-status", { a: 1 }),
    ]);
    expect(answers).toEqual([{ status: "running" }, { status: "running" }]);
    expect(server.commands.map(({ execute }) => execute)).toEqual([
      "qmp_capabilities",
      "query-status",
      "query-status",
    ]);
    expect(new Set(server.commands.map(({ id }) => id)).size).toBe(3);
    expect(server.commands[2]?.arguments).toEqual({ a: 1 });
    expect(server.connections).toBe(1);
  });

  it("execute() rejects with QEMU's own words, the command and the VM", async () => {
    const { server, client } = await setUp();
    server.answers.set("cont", { error: { class: "GenericError", desc: "no disk" } });
    await expect(client.execute("cont")).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      message: "cont on VM web-1: no disk",
    });
  });

  it("execute() gives up when its time is over, and the late answer harms nobody", async () => {
    const { server, clock, client } = await setUp();
    await client.connected();
    const stuck = client.execute("stop");
    stuck.catch(() => {});
    await vi.waitFor(() => expect(server.commands.at(-1)?.execute).toBe("stop"));
    clock.advance(5_000);
    await expect(stuck).rejects.toMatchObject({ code: "TIMED_OUT" });
    server.send(`{"return": {}, "id": ${server.commands.at(-1)?.id}}\n`);
    server.answers.set("query-name", { return: { name: "x" } });
    expect(await client.execute("query-name")).toEqual({ name: "x" });
  });

  it("connected() gives up on a monitor that another client holds", async () => {
    const { server, clock, client } = await setUp();
    server.greeting = "";
    const connecting = client.connected();
    connecting.catch(() => {});
    await vi.waitFor(() => expect(server.connections).toBe(1));
    clock.advance(3_000);
    await expect(connecting).rejects.toMatchObject({
      code: "TIMED_OUT",
      message: expect.stringMatching(/another client/),
    });
  });

  it("passes events on, also when their bytes come in pieces", async () => {
    const { server, events, client } = await setUp();
    await client.connected();
    server.send('{"event": "STOP", "timesta');
    server.send('mp": {}}\n{"event": "MIGRATION", "data": {"status": "active"}}\n');
    await vi.waitFor(() => expect(events).toHaveLength(2));
    expect(events).toEqual([
      { name: "STOP", data: {} },
      { name: "MIGRATION", data: { status: "active" } },
    ]);
  });

  it("a lost connection fails what waits, says so, and the next command connects anew", async () => {
    const { server, closed, client } = await setUp();
    await client.connected();
    const waiting = client.execute("stop");
    waiting.catch(() => {});
    await vi.waitFor(() => expect(server.commands.at(-1)?.execute).toBe("stop"));
    server.hangUp();
    await expect(waiting).rejects.toMatchObject({ code: "VM_PROCESS" });
    expect(closed).toHaveBeenCalledOnce();
    server.answers.set("stop", { return: {} });
    expect(await client.execute("stop")).toEqual({});
    expect(server.connections).toBe(2);
  });

  it.each([
    ["no JSON", "nonsense\n"],
    ["no QMP", "[1, 2]\n"],
    ["a line without end", "x".repeat((4 << 20) + 1)],
  ])("hangs up on a monitor that sends %s", async (_what, text) => {
    const { server, closed, client } = await setUp();
    await client.connected();
    server.send(text);
    await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce());
    expect(client.isOpen).toBe(false);
  });

  it("bounds the commands that wait", async () => {
    const { client } = await setUp();
    await client.connected();
    const waiting = Array.from({ length: 64 }, () => client.execute("stop"));
    for (const command of waiting) command.catch(() => {});
    await expect(client.execute("stop")).rejects.toMatchObject({
      message: expect.stringMatching(/too many commands/),
    });
  });

  it("close() is for good: it does not connect again", async () => {
    const { server, client } = await setUp();
    await client.connected();
    client.close();
    await expect(client.execute("stop")).rejects.toMatchObject({ code: "VM_PROCESS" });
    expect(server.connections).toBe(1);
  });

  it("a socket that is not there is VM_PROCESS, with the cause", async () => {
    const client = new QmpClient({
      path: join(temporaryFolder(), "none.sock"),
      vm: "web-1",
      clock: new ManualClock(),
      event: () => {},
      closed: () => {},
    });
    await expect(client.execute("stop")).rejects.toMatchObject({
      code: "VM_PROCESS",
      cause: { code: "ENOENT" },
    });
  });
});
