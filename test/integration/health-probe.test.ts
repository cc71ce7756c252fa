import { getEventListeners, once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { SystemClock } from "#agent/os/system-clock.ts";
import { awaitHealthy } from "#agent/switch/health-probe.ts";
import { eventually } from "../support/eventually.ts";

const clock = new SystemClock();
const { signal } = new AbortController();

/** A member that does this with each connection once a request came, from the first to the last. */
async function member(serve: (socket: Socket, count: number) => void) {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let most = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.once("data", (chunk) => {
      requests.push(chunk.toString("latin1"));
      serve(socket, requests.length);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, requests, sockets, mostAtOnce: () => most };
}

function asking(port: number, withinMs = 20_000, path = "/health") {
  const target = { address: "127.0.0.1", port, path };
  return awaitHealthy(target, { clock, timeoutMs: 2_000, withinMs }, signal);
}

const answer = (status: string) => `HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nok`;

describe("awaitHealthy() with real connections", () => {
  it.each(["200 OK", "204 No Content", "302 Found"])("takes %s as well", async (status) => {
    const { port, requests } = await member((socket) => socket.end(answer(status)));
    expect((await asking(port)).tries).toBe(1);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(requests[0]).toMatch(/^GET \/health HTTP\/1\.1\r\n/);
  });

  it("goes on through refusals, errors, silence and rubbish until the member is well", async () => {
    const ways: ((socket: Socket) => void)[] = [
      (socket) => socket.end(answer("503 Service Unavailable")),
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.end(),
      (socket) => socket.end("SSH-2.0-rubbish\r\n"),
      () => {},
      (socket) => socket.write("HTTP/1.1 200 O"),
      (socket) => socket.end(answer("404 Not Found")),
      (socket) => socket.write(`HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(5_000)}`),
    ];
    const { port, mostAtOnce } = await member((socket, count) => {
      const way = ways[count - 1];
      if (way) way(socket);
      else socket.end(answer("200 OK"));
    });
    expect((await asking(port)).tries).toBe(ways.length + 1);
    // The end of one connection may reach the member after the beginning of the next.
    expect(mostAtOnce()).toBeLessThanOrEqual(2);
  });

  it("finds a member that begins to listen later", async () => {
    const { port } = await member((socket) => socket.end(answer("200 OK")));
    const late = createServer((socket) => socket.once("data", () => socket.end(answer("200 OK"))));
    late.listen(0, "127.0.0.1");
    await once(late, "listening");
    const address = late.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    late.close();
    await once(late, "close");
    const healthy = asking(address.port);
    await asking(port);
    late.listen(address.port, "127.0.0.1");
    onTestFinished(() => {
      late.close();
    });
    expect((await healthy).tries).toBeGreaterThan(1);
  });

  it("reads no body, however long it is, and leaves no connection behind", async () => {
    const { port, sockets } = await member((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
      const write = (): void => {
        while (!socket.destroyed && socket.write("x".repeat(65_536)));
      };
      socket.on("drain", write);
      write();
    });
    expect((await asking(port)).tries).toBe(1);
    await eventually("the connection is gone", async () => sockets.size === 0);
  });

  it("says what the last answer was when time is up", async () => {
    const { port } = await member((socket) => socket.end(answer("500 Oops")));
    const error = await asking(port, 1_000).catch((reason: unknown) => reason);
    expect((error as Error).message).toContain("status 500");
  });
});

describe("awaitHealthy() and a member that needs long for an answer", () => {
  const asked = (port: number, withinMs: number) => {
    const target = { address: "127.0.0.1", port, path: "/health" };
    return awaitHealthy(target, { clock, timeoutMs: 1_000, withinMs }, signal);
  };

  it("hears one that takes 300 ms, by its third try", async () => {
    const { port, requests } = await member((socket) => {
      setTimeout(() => socket.end(answer("200 OK")), 300);
    });
    expect((await asked(port, 5_000)).tries).toBeLessThanOrEqual(4);
    expect(requests.length).toBeLessThanOrEqual(4);
  });

  it("lets one get done that works at one request after the other, also at those cut short", async () => {
    let doneMs = 0;
    const { port, requests } = await member((socket) => {
      const nowMs = performance.now();
      doneMs = Math.max(doneMs, nowMs) + 800;
      setTimeout(() => socket.end(answer("200 OK")), doneMs - nowMs);
    });
    await asked(port, 20_000);
    expect(requests.length).toBeLessThanOrEqual(12);
  });
});
