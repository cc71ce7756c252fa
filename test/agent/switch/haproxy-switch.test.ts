import { getEventListeners } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { HaproxySwitch } from "#agent/switch/haproxy-switch.ts";
import { SwitchError } from "#agent/switch/switch-error.ts";
import type { SwitchCommand } from "#lib/model/switch.ts";
import { eventually } from "../../support/eventually.ts";
import { type Behaviour, FakeHaproxy, saying, sayingForEver } from "../../support/fake-haproxy.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const state = readFileSync("test/fixtures/haproxy-2.6/servers-state.txt", "latin1");
const stat = readFileSync("test/fixtures/haproxy-2.6/stat.csv", "latin1");
const ANSWER_BYTES_MAX = 64 * 1024;

const { signal } = new AbortController();
const at = { backend: "web", server: "evenkeel-a" };

async function bench(behaviour?: Behaviour) {
  const clock = new ManualClock();
  const fake = await FakeHaproxy.listen(join(temporaryFolder(), "admin.sock"));
  onTestFinished(() => fake.close());
  if (behaviour) fake.behaviour = behaviour;
  const adapter = new HaproxySwitch({
    socketPath: fake.path,
    clock,
    answerBytesMax: ANSWER_BYTES_MAX,
  });
  return { clock, fake, adapter };
}

/** As HAProxy with the captured state. */
const sound: Behaviour = (socket, command) =>
  socket.end(command.startsWith("show stat") ? stat : state);

async function errorOf(promise: Promise<unknown>): Promise<SwitchError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SwitchError);
  const { message } = error as SwitchError;
  expect(message).not.toMatch(/[\r\n]/);
  expect(message.length).toBeLessThan(600);
  return error as SwitchError;
}

describe("HaproxySwitch", () => {
  it("observe() puts both answers together, for one backend or for many", async () => {
    const { adapter, fake } = await bench(sound);
    const [web, empty, none] = await adapter.observe(["web", "empty", "none"], signal);
    expect(web?.servers.map(({ name }) => name)).toEqual([
      "admins-own",
      "by_name",
      "by_path",
      "evenkeel-a",
      "evenkeel-b",
      "evenkeel-c",
    ]);
    expect(empty).toEqual({ backend: "empty", exists: true, queued: 0, servers: [] });
    expect(none?.exists).toBe(false);
    await adapter.observe(["web"], signal);
    expect(fake.commands).toEqual([
      "show stat -1 6 -1",
      "show servers state",
      "show stat web 6 -1",
      "show servers state web",
    ]);
  });

  it("observe() counts requests that wait for a server among those that wait", async () => {
    const busy = stat
      .replace("web,evenkeel-a,0,0,0,0,,", "web,evenkeel-a,2,2,3,3,4,")
      .replace("web,BACKEND,0,", "web,BACKEND,5,");
    const { adapter } = await bench((socket, command) =>
      socket.end(command.startsWith("show stat") ? busy : state),
    );
    const [web] = await adapter.observe(["web"], signal);
    const server = web?.servers.find(({ name }) => name === "evenkeel-a");
    expect(server).toMatchObject({ sessions: 3, queued: 2, connectionsMax: 4 });
    expect(web?.queued).toBe(7);
  });

  it("perform() says each command as HAProxy reads it", async () => {
    const answers: Record<string, string> = {
      add: "New server registered.\n\n",
      del: "Server deleted.\n",
      addr: "no need to change the addr, port changed from '1' to '2' by 'stats socket command'\n\n",
    };
    const { adapter, fake } = await bench((socket, command) => {
      const word = Object.keys(answers).find((key) => command.includes(`${key} `)) ?? "";
      socket.end(answers[word] ?? "\n");
    });
    const commands: SwitchCommand[] = [
      { ...at, act: "add", address: "192.0.2.1", port: 80, weight: 100, connectionsMax: null },
      { ...at, act: "add", address: "2001:DB8::0:1", port: 80, weight: 0, connectionsMax: 7 },
      { ...at, act: "address", address: "2001:db8::1", port: 81 },
      { ...at, act: "weight", weight: 256 },
      { ...at, act: "connections", connectionsMax: 9 },
      { ...at, act: "connections", connectionsMax: null },
      { ...at, act: "ready" },
      { ...at, act: "remove" },
    ];
    for (const command of commands) await adapter.perform(command, signal);
    expect(fake.commands).toEqual([
      "add server web/evenkeel-a 192.0.2.1:80 weight 100 pool-max-conn 0",
      "add server web/evenkeel-a [2001:db8::1]:80 weight 0 pool-max-conn 0 maxconn 7",
      "set server web/evenkeel-a addr 2001:db8::1 port 81",
      "set server web/evenkeel-a weight 256",
      "set maxconn server web/evenkeel-a 9",
      "set maxconn server web/evenkeel-a 100000",
      "set maxconn server web/evenkeel-a 0",
      "set server web/evenkeel-a state ready",
      "del server web/evenkeel-a",
    ]);
  });

  it.each([
    ["Permission denied\n\n", "SWITCH_REFUSED", "level admin"],
    ["No such backend.\n", "BACKEND_ABSENT", "haproxy.cfg"],
    ["No such server.\n\n", "SERVER_ABSENT", "next look"],
    ["Server still has connections attached to it, cannot remove it.\n", "SERVER_BUSY", "ended"],
    ["Backend must use a dynamic load balancing to support it.\n", "BACKEND_STATIC", "balance"],
    ["Unknown command, but maybe one of these:\n help\n", "COMMAND_FAILED", "2.6"],
    ["something new\n", "COMMAND_FAILED", "something new"],
    ["\u0000\u001b[31m\r\rx\n", "COMMAND_FAILED", "HAProxy says"],
  ])("perform() names the remedy when HAProxy says %j", async (answer, code, words) => {
    const { adapter, fake } = await bench(saying(answer));
    const error = await errorOf(adapter.perform({ ...at, act: "remove" }, signal));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(error.message).toContain(fake.path);
    expect(error.message).toContain("backend web, server evenkeel-a");
  });

  it("perform() takes no other words for a confirmation", async () => {
    const { adapter } = await bench(saying("New server registered.\n\n"));
    expect((await errorOf(adapter.perform({ ...at, act: "ready" }, signal))).code).toBe(
      "COMMAND_FAILED",
    );
  });

  it("a missing socket, one that nobody serves, and a file that is none say what to do", async () => {
    const folder = temporaryFolder();
    const codes: string[] = [];
    const look = async (socketPath: string) => {
      const adapter = new HaproxySwitch({ socketPath, clock: new ManualClock() });
      const error = await errorOf(adapter.observe(["web"], signal));
      codes.push(error.code);
      expect(error.message).toContain(socketPath);
    };
    await look(join(folder, "missing.sock"));
    writeFileSync(join(folder, "file"), "");
    await look(join(folder, "file"));
    await look(folder);
    chmodSync(folder, 0o700);
    await look(join(folder, "x".repeat(300)));
    expect(codes).toEqual(["SWITCH_ABSENT", "SWITCH_ABSENT", "SWITCH_ABSENT", "SWITCH_ABSENT"]);
  });

  it("an answer that never comes ends at the time limit, and its connection with it", async () => {
    const { adapter, fake, clock } = await bench(() => {});
    const error = errorOf(adapter.observe(["web"], signal));
    await eventually("the command arrives", async () => fake.commands.length === 1);
    clock.advance(2_999);
    expect(clock.waiting).toBe(1);
    clock.advance(1);
    expect((await error).code).toBe("SWITCH_SILENT");
    await eventually("the connection is gone", async () => fake.openConnections === 0);
    expect(clock.waiting).toBe(0);
  });

  it("an answer that drips for ever ends at the time limit", async () => {
    const { adapter, fake, clock } = await bench((socket) => socket.write(stat));
    const error = errorOf(adapter.observe(["web"], signal));
    await eventually("the command arrives", async () => fake.commands.length === 1);
    clock.advance(3_000);
    expect((await error).code).toBe("SWITCH_SILENT");
  });

  it("an answer that never ends is cut off at its bound", async () => {
    const { adapter, fake, clock } = await bench(sayingForEver("web,evenkeel-a,0,0,0\n"));
    const error = await errorOf(adapter.observe(["web"], signal));
    expect(error.code).toBe("SWITCH_ANSWER");
    expect(error.message).toContain(String(ANSWER_BYTES_MAX));
    await eventually("the connection is gone", async () => fake.openConnections === 0);
    expect(clock.waiting).toBe(0);
  });

  it.each([
    ["cut short", saying(stat.slice(0, -1))],
    ["empty", saying("")],
    ["rubbish", saying(Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * 7919) % 256)))],
    ["of another question", saying(state)],
  ])("an answer that is %s is refused as a whole", async (_, behaviour) => {
    const { adapter } = await bench(behaviour);
    const error = await errorOf(adapter.observe(["web"], signal));
    expect(error.code).toBe("SWITCH_ANSWER");
    expect(error.message).toContain("show stat web");
  });

  it("a connection that ends without a word confirms nothing", async () => {
    const { adapter } = await bench((socket) => socket.destroy());
    const error = await errorOf(adapter.perform({ ...at, act: "ready" }, signal));
    expect(error.code).toBe("SWITCH_ANSWER");
  });

  it("more servers than can be are refused", async () => {
    const line = (index: number) => `1 web ${index} s${index} 192.0.2.1 80 0 1`;
    const lines = Array.from({ length: 4097 }, (_, index) => line(index)).join("\n");
    const header = "# be_id be_name srv_id srv_name srv_addr srv_port srv_admin_state srv_uweight";
    const clock = new ManualClock();
    const { fake } = await bench((socket, command) =>
      socket.end(command.startsWith("show stat") ? stat : `1\n${header}\n${lines}\n\n`),
    );
    const adapter = new HaproxySwitch({ socketPath: fake.path, clock });
    const error = await errorOf(adapter.observe(["web"], signal));
    expect(error.code).toBe("SWITCH_ANSWER");
    expect(error.message).toContain("4097");
  });

  it("leaves nothing behind at a signal that lives as long as the agent", async () => {
    const { adapter } = await bench(sound);
    const controller = new AbortController();
    await adapter.observe(["web"], controller.signal);
    await errorOf(adapter.perform({ ...at, act: "ready" }, controller.signal));
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("stops waiting when told to", async () => {
    const { adapter, fake, clock } = await bench(() => {});
    const controller = new AbortController();
    const error = errorOf(adapter.perform({ ...at, act: "ready" }, controller.signal));
    await eventually("the command arrives", async () => fake.commands.length === 1);
    controller.abort();
    expect((await error).code).toBe("ABORTED");
    expect(clock.waiting).toBe(0);
  });
});
