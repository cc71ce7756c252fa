import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChannelProcess, ChannelProcessOptions } from "#agent/channel/channel-process.ts";
import { plainDoor } from "#agent/ports/channel.ts";
import { deriveSecrets, generateClusterKey } from "#agent/store/cluster-key.ts";
import { loopbackChannel } from "../support/loopback-channel.ts";
import { digest, pour, readAll } from "../support/socket-bytes.ts";

const MOVE = "web-1.2.0123456789abcdef";
const HOST = "127.0.0.1";
const MIB = 1 << 20;

let folder: string;
let channels: ChannelProcess[];
let closers: (() => unknown)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-channel-"));
  channels = [];
  closers = [];
});

afterEach(async () => {
  await Promise.all(channels.map((channel) => channel.stop()));
  for (const close of closers) close();
  rmSync(folder, { recursive: true, force: true });
});

const key = generateClusterKey();

function makeChannel(name: string, options: Partial<ChannelProcessOptions> = {}): ChannelProcess {
  const channel = loopbackChannel({
    channelKey: deriveSecrets(key).channelKey,
    socketDirectory: join(folder, name),
    ...options,
  });
  channels.push(channel);
  return channel;
}

/** Stands in for the hypervisor that waits at the target. */
async function waitingHypervisor(
  name = "incoming.sock",
): Promise<{ path: string; connection: Promise<Socket> }> {
  const path = join(folder, name);
  const server: Server = createServer({ allowHalfOpen: true }).listen(path);
  await once(server, "listening");
  closers.push(() => server.close());
  const connection = once(server, "connection").then(([socket]: Socket[]) => {
    if (!socket) throw new Error("no socket");
    socket.on("error", () => undefined);
    closers.push(() => socket.destroy());
    return socket;
  });
  return { path, connection };
}

function streamInto(path: string): Socket {
  const socket = createConnection({ path, allowHalfOpen: true });
  socket.on("error", () => undefined);
  closers.push(() => socket.destroy());
  return socket;
}

interface Standing {
  readonly source: ChannelProcess;
  readonly target: ChannelProcess;
  readonly outgoing: Socket;
  readonly incoming: Socket;
  readonly port: number;
}

/** Both ends up, and a hypervisor connected at each. */
async function stand(options: Partial<ChannelProcessOptions> = {}): Promise<Standing> {
  const target = makeChannel("target", options);
  const source = makeChannel("source", options);
  const hypervisor = await waitingHypervisor();
  const { port } = await target.listen(MOVE, { socketPath: hypervisor.path });
  const { socketPath } = await source.connect(MOVE, { addresses: [HOST], port, door: plainDoor });
  const outgoing = streamInto(socketPath);
  return { source, target, outgoing, incoming: await hypervisor.connection, port };
}

/** Resolves when the socket is closed, by an error or without one. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("ChannelProcess", () => {
  it("carries bytes intact both ways, each direction to its own end", async () => {
    const { outgoing, incoming } = await stand();
    const forth = randomBytes(3 * MIB + 17);
    const back = randomBytes(2 * MIB + 5);
    outgoing.end(forth);
    expect(forth.equals(await readAll(incoming))).toBe(true);
    // The source has ended its direction; the return path still speaks.
    incoming.end(back);
    expect(back.equals(await readAll(outgoing))).toBe(true);
  });

  it("ends its processes once both directions have ended", async () => {
    const { source, target, outgoing, incoming } = await stand();
    outgoing.end();
    incoming.end();
    incoming.resume();
    outgoing.resume();
    await expect.poll(() => [...source.pids(), ...target.pids()], { timeout: 10_000 }).toEqual([]);
  });

  it("carries a large stream with back-pressure (throughput printed)", async () => {
    const { outgoing, incoming } = await stand();
    const total = 512 * MIB;
    const startMs = performance.now();
    const [sent, received] = await Promise.all([pour(outgoing, total), digest(incoming)]);
    const seconds = (performance.now() - startMs) / 1000;
    console.log(`channel: ${(total / 1e6 / seconds).toFixed(0)} MB/s with hashing at both ends`);
    expect(received).toBe(sent);
  });

  it("refuses another key and still takes the right one", async () => {
    const target = makeChannel("target");
    const stranger = makeChannel("stranger", {
      channelKey: deriveSecrets(generateClusterKey()).channelKey,
    });
    const hypervisor = await waitingHypervisor();
    const { port } = await target.listen(MOVE, { socketPath: hypervisor.path });
    await expect(
      stranger.connect(MOVE, { addresses: [HOST], port, door: plainDoor }),
    ).rejects.toThrow(/channel of move web-1.*cannot reach the target/);
    const { socketPath } = await makeChannel("source").connect(MOVE, {
      addresses: [HOST],
      port,
      door: plainDoor,
    });
    streamInto(socketPath).end("hello");
    expect(String(await readAll(await hypervisor.connection))).toBe("hello");
  });

  it("refuses the key of another move", async () => {
    const target = makeChannel("target");
    const { port } = await target.listen(MOVE, { socketPath: (await waitingHypervisor()).path });
    const other = "web-2.2.0123456789abcdef";
    await expect(
      makeChannel("source").connect(other, { addresses: [HOST], port, door: plainDoor }),
    ).rejects.toThrow(/channel of move web-2/);
  });

  it("refuses a second connection", async () => {
    const { port } = await stand();
    await expect(
      makeChannel("second").connect(MOVE, { addresses: [HOST], port, door: plainDoor }),
    ).rejects.toThrow(/cannot reach the target/);
  });

  it("shrugs off strangers that talk no TLS", async () => {
    const target = makeChannel("target");
    const hypervisor = await waitingHypervisor();
    const { port } = await target.listen(MOVE, { socketPath: hypervisor.path });
    const stranger = createConnection({ host: HOST, port });
    stranger.on("error", () => undefined);
    stranger.end(randomBytes(4096));
    await closeOf(stranger);
    const { socketPath } = await makeChannel("source").connect(MOVE, {
      addresses: [HOST],
      port,
      door: plainDoor,
    });
    streamInto(socketPath).end("hello");
    expect(String(await readAll(await hypervisor.connection))).toBe("hello");
  });

  it("tries the next address when one does not answer", async () => {
    const target = makeChannel("target");
    const { port } = await target.listen(MOVE, { socketPath: (await waitingHypervisor()).path });
    const { socketPath } = await makeChannel("source").connect(MOVE, {
      addresses: ["127.0.0.9", HOST],
      port,
      door: plainDoor,
    });
    expect(socketPath).toContain(folder);
  });

  it("gives up on a target that accepts but never answers", async () => {
    const mute = createServer().listen(0, HOST);
    await once(mute, "listening");
    closers.push(() => mute.close());
    const address = mute.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const source = makeChannel("source", { connectMsMax: 300 });
    await expect(
      source.connect(MOVE, { addresses: [HOST], port, door: plainDoor }),
    ).rejects.toThrow(/no answer within 300 ms/);
    expect(source.pids()).toEqual([]);
  });

  it("says which ports were tried when none is free", async () => {
    const taken = createServer().listen(0, HOST);
    await once(taken, "listening");
    closers.push(() => taken.close());
    const address = taken.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const target = makeChannel("target", { portMin: port, portMax: port });
    await expect(target.listen(MOVE, { socketPath: "/nowhere" })).rejects.toThrow(
      `no free port from ${port}`,
    );
  });

  it("breaks the source's stream when the target's process is killed", async () => {
    const { target, outgoing } = await stand();
    const closed = closeOf(outgoing);
    const [pid] = target.pids();
    if (pid) process.kill(pid, "SIGKILL");
    outgoing.write(randomBytes(MIB));
    outgoing.resume();
    outgoing.on("end", () => outgoing.destroy());
    await closed;
  });

  it("breaks the waiting hypervisor's stream when it is killed before the source came", async () => {
    const target = makeChannel("target");
    const hypervisor = await waitingHypervisor();
    await target.listen(MOVE, { socketPath: hypervisor.path });
    const incoming = await hypervisor.connection;
    const [pid] = target.pids();
    if (pid) process.kill(pid, "SIGKILL");
    expect((await readAll(incoming)).length).toBe(0);
  });

  it("is not ready at the source before the target has let it in", async () => {
    const target = makeChannel("target");
    const { port } = await target.listen(MOVE, { socketPath: (await waitingHypervisor()).path });
    const proxy = await helloOnlyProxy(port);
    const source = makeChannel("source", { connectMsMax: 500 });
    await expect(
      source.connect(MOVE, { addresses: [HOST], port: proxy, door: plainDoor }),
    ).rejects.toThrow(/no answer within 500 ms/);
  });

  it.each(Array.from({ length: 16 }, (_, nth) => nth + 1))(
    "breaks the waiting hypervisor's stream when the source is killed once ready (%i)",
    async () => {
      const target = makeChannel("target");
      const source = makeChannel("source");
      const hypervisor = await waitingHypervisor();
      const { port } = await target.listen(MOVE, { socketPath: hypervisor.path });
      await source.connect(MOVE, { addresses: [HOST], port, door: plainDoor });
      const [pid] = source.pids();
      if (pid) process.kill(pid, "SIGKILL");
      expect((await readAll(await hypervisor.connection)).length).toBe(0);
    },
  );

  it("says that no hypervisor waits at the target", async () => {
    const path = join(folder, "none.sock");
    await expect(makeChannel("target").listen(MOVE, { socketPath: path })).rejects.toThrow(
      `no hypervisor waits on ${path}`,
    );
  });

  it("refuses a folder too deep for a UNIX socket", async () => {
    const source = makeChannel(`deep-${"x".repeat(90)}`);
    await expect(
      source.connect(MOVE, { addresses: [HOST], port: 1, door: plainDoor }),
    ).rejects.toThrow(/choose a shorter stateDirectory/);
  });

  it("carries several connections of one move, each to where its first bytes belong", async () => {
    const memory = await waitingHypervisor("memory.sock");
    const control = await waitingHypervisor("control.sock");
    const target = makeChannel("target");
    const source = makeChannel("source");
    const { port } = await target.listen(MOVE, {
      socketPath: memory.path,
      controlPath: control.path,
    });
    const own = join(folder, "own.sock");
    const door = { socketPath: own, connectionsMax: 2 };
    const { socketPath } = await source.connect(MOVE, { addresses: [HOST], port, door });
    expect(socketPath).toBe(own);
    const asking = streamInto(own);
    asking.write("\0\0\0\x1cask");
    const daemon = await control.connection;
    const streaming = streamInto(own);
    const magic = createHash("sha256").update("QEVM");
    streaming.write("QEVM");
    const block = randomBytes(8 * MIB);
    streaming.end(block);
    const stream = await memory.connection;
    const arrived = digest(stream);
    // The daemons' talk goes on beside the memory, and a third connection is turned away.
    daemon.write("answer");
    expect(String((await once(asking, "data"))[0])).toBe("answer");
    expect(await arrived).toBe(magic.update(block).digest("hex"));
    await once(streamInto(own).resume(), "end");
    expect([...source.pids(), ...target.pids()]).toHaveLength(2);
    for (const socket of [asking, daemon, stream]) socket.end();
    for (const socket of [asking, daemon, streaming]) socket.resume();
    await expect.poll(() => [...source.pids(), ...target.pids()], { timeout: 10_000 }).toEqual([]);
  });

  it("closes in bounded time while the peer is stopped", async () => {
    const { source, target, outgoing } = await stand();
    const [pid] = target.pids();
    expect(pid).toBeDefined();
    if (!pid) return;
    process.kill(pid, "SIGSTOP");
    closers.push(() => isAlive(pid) && process.kill(pid, "SIGKILL"));
    outgoing.write(randomBytes(8 * MIB));
    const closed = closeOf(outgoing);
    outgoing.resume();
    outgoing.on("end", () => outgoing.destroy());
    await source.close(MOVE);
    await closed;
    expect(source.pids()).toEqual([]);
    // The stopped one does not see the end of its stdin: it is killed after the wait.
    await target.close(MOVE);
    expect(isAlive(pid)).toBe(false);
  });

  it("keeps to its bandwidth cap", async () => {
    const { outgoing, incoming } = await stand({ bandwidthBytesPerSecond: 4 * MIB });
    const startMs = performance.now();
    const [sent, received] = await Promise.all([pour(outgoing, 4 * MIB), digest(incoming)]);
    const seconds = (performance.now() - startMs) / 1000;
    expect(received).toBe(sent);
    // A lower bound of time holds however busy the machine is.
    expect(seconds).toBeGreaterThan(0.6);
  });

  it("dies with its agent, also by kill -9", async () => {
    const parent = spawn(
      process.execPath,
      [join("test", "fixtures", "channel-parent.ts"), folder],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    closers.push(() => parent.kill("SIGKILL"));
    const channelPid = await firstNumber(parent);
    expect(isAlive(channelPid)).toBe(true);
    parent.kill("SIGKILL");
    await once(parent, "close");
    await expect.poll(() => isAlive(channelPid), { timeout: 5000, interval: 20 }).toBe(false);
  });
});

/** Passes the client's first packet (its hello) and every answer, and keeps the rest to itself. */
async function helloOnlyProxy(port: number): Promise<number> {
  const proxy = createServer((client) => {
    const onward = createConnection({ host: HOST, port });
    for (const socket of [client, onward]) socket.on("error", () => undefined);
    closers.push(() => onward.destroy());
    client.once("data", (hello) => onward.write(hello));
    onward.pipe(client);
  }).listen(0, HOST);
  await once(proxy, "listening");
  closers.push(() => proxy.close());
  const address = proxy.address();
  return typeof address === "object" && address ? address.port : 0;
}

async function firstNumber(child: ChildProcess): Promise<number> {
  const [chunk]: Buffer[] = child.stdout ? await once(child.stdout, "data") : [];
  return Number(String(chunk).trim());
}
