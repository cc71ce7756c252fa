import { connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { apiFixture } from "../../support/api-fixture.ts";
import { socketRequest } from "../../support/socket-request.ts";

/** Opens the stream and offers what has come so far, and waiting for more. */
function follow(socketPath: string, path = "/v1/events", headers = "") {
  const socket: Socket = connect(socketPath);
  onTestFinished(() => void socket.destroy());
  let text = "";
  let wake: () => void = () => undefined;
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    wake();
  });
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`);
  const until = async (part: string): Promise<string> => {
    while (!text.includes(part)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return text;
  };
  return { socket, until, closed, text: () => text };
}

describe("EventHub", () => {
  it("sends notices as server-sent events, with an id, but no debug ones", async () => {
    const { readSocketPath, view } = await apiFixture();
    const reader = follow(readSocketPath);
    await reader.until(": evenkeel events");
    view.notify("quiet", { level: "debug" });
    view.notify("web-1 moved", { code: "moved", facts: { vm: "web-1" } });
    const text = await reader.until("web-1 moved");
    expect(text).toContain("content-type: text/event-stream");
    expect(text).toContain(
      'id: 1\nevent: notice\ndata: {"at":"2026-01-02T03:04:05.000Z","code":"moved","level":"info","message":"web-1 moved","facts":{"vm":"web-1"}}\n\n',
    );
    expect(text).not.toContain("quiet");
  });

  it("sends the recent ones that were asked for, and those missed since an id", async () => {
    const { socketPath, view } = await apiFixture({ eventsKeptMax: 3 });
    for (const message of ["one", "two", "three", "four"]) view.notify(message);
    const recent = await follow(socketPath, "/v1/events?recent=2").until("four");
    expect(recent).toContain("three");
    expect(recent).not.toContain("two");
    const missed = await follow(socketPath, "/v1/events", "last-event-id: 1\r\n").until("four");
    expect(missed).toContain("two");
    expect(missed).not.toContain('"one"');
    const stranger = follow(socketPath, "/v1/events", "last-event-id: 900\r\n");
    await stranger.until(": evenkeel events");
    view.notify("five");
    expect(await stranger.until("five")).not.toContain("four");
  });

  it("cuts a reader that does not keep up, and no other", async () => {
    const { socketPath, view } = await apiFixture({ eventQueueBytesMax: 10_000 });
    const slow = follow(socketPath);
    const quick = follow(socketPath);
    await Promise.all([slow.until(": evenkeel"), quick.until(": evenkeel")]);
    slow.socket.pause();
    for (let round = 1; round <= 200; round += 1) {
      view.notify(`round ${round} ${"x".repeat(5_000)}`);
      await quick.until(`round ${round} `);
    }
    slow.socket.resume();
    await slow.closed;
    expect(slow.text()).not.toContain("round 200 ");
    view.notify("the end");
    expect(await quick.until("the end")).toContain("round 200 ");
  });

  it("takes a bounded number of readers and has room again when one goes", async () => {
    const { socketPath } = await apiFixture({ eventReadersMax: 1 });
    const first = follow(socketPath);
    await first.until(": evenkeel");
    expect((await socketRequest(socketPath, "/v1/events")).status).toBe(503);
    first.socket.end();
    await first.closed;
    await follow(socketPath).until(": evenkeel");
  });

  it("shows life on a quiet stream", async () => {
    const { socketPath } = await apiFixture({ eventHeartbeatMs: 10 });
    await follow(socketPath).until(": alive");
  });
});
