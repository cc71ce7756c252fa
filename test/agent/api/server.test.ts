import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { groupIdOf } from "#agent/api/group-id.ts";
import { type ApiOptions, startApi } from "#agent/api/server.ts";
import { Prng } from "#lib/base/prng.ts";
import { apiFixture, temporaryDirectory } from "../../support/api-fixture.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeAgentView } from "../../support/fake-agent-view.ts";
import { socketBytes, socketRequest } from "../../support/socket-request.ts";

const silent = { write: () => undefined };

function optionsIn(directory: string, changes: Partial<ApiOptions> = {}): ApiOptions {
  return {
    paths: {
      socketPath: join(directory, "evenkeel.sock"),
      readSocketPath: join(directory, "read.sock"),
    },
    view: new FakeAgentView(),
    log: silent,
    ...changes,
  };
}

/** A socket file that nobody listens on, as a killed agent leaves it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const { execFileSync } = await import("node:child_process");
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  try {
    execFileSync(process.execPath, ["-e", script], { stdio: "ignore" });
  } catch {
    // It was told to kill itself.
  }
}

describe("startApi()", () => {
  it("opens a socket for the owner and one for the group, and removes both", async () => {
    const { socketPath, readSocketPath, api, view } = await apiFixture();
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect(statSync(readSocketPath).mode & 0o777).toBe(0o660);
    expect(view.listenerCount).toBe(1);
    await api.stop();
    expect(existsSync(socketPath) || existsSync(readSocketPath)).toBe(false);
    expect(view.listenerCount).toBe(0);
  });

  it("leaves the process's umask as it was", async () => {
    const before = process.umask();
    await apiFixture();
    expect(process.umask()).toBe(before);
  });

  it("gives the read socket to the group", async () => {
    const directory = temporaryDirectory();
    const { gid } = userInfo();
    const api = await startApi(optionsIn(directory, { group: String(gid) }));
    onTestFinished(() => api.stop());
    expect(statSync(join(directory, "read.sock")).gid).toBe(gid);
  });

  it("names a group that does not exist", async () => {
    const options = optionsIn(temporaryDirectory(), { group: "no-such-group" });
    await expect(startApi(options)).rejects.toThrow(/no group "no-such-group".*groupadd/);
    expect(groupIdOf("root")).toBe(0);
  });

  it("leaves the socket of a living agent alone", async () => {
    const { socketPath, directory } = await apiFixture();
    await expect(startApi(optionsIn(directory))).rejects.toMatchObject({
      code: "SOCKET",
      message: expect.stringMatching(/evenkeel\.sock is in use by a running agent.*--socket/),
    });
    expect((await socketRequest(socketPath, "/v1/status")).status).toBe(200);
  });

  it("replaces a socket file that nobody answers on", async () => {
    const directory = temporaryDirectory();
    const options = optionsIn(directory);
    await leaveStaleSocket(options.paths.socketPath);
    expect(existsSync(options.paths.socketPath)).toBe(true);
    const api = await startApi(options);
    onTestFinished(() => api.stop());
    expect((await socketRequest(options.paths.socketPath, "/v1/status")).status).toBe(200);
  });

  it.each([
    {
      why: "directory",
      path: (d: string) => join(d, "gone", "evenkeel.sock"),
      words: "does not exist",
    },
    { why: "file", path: (d: string) => join(d, "file"), words: "is not a socket" },
    { why: "length", path: (d: string) => join(d, "x".repeat(120)), words: "the kernel takes 107" },
  ])("names a $why that is in the way", async ({ path, words }) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "file"), "");
    const readSocketPath = join(directory, "read.sock");
    const paths = { socketPath: path(directory), readSocketPath };
    await expect(startApi(optionsIn(directory, { paths }))).rejects.toThrow(words);
    expect(existsSync(readSocketPath)).toBe(false);
  });

  it.skipIf(userInfo().uid === 0)("names a directory where it may not write", async () => {
    const directory = join(temporaryDirectory(), "closed");
    mkdirSync(directory);
    chmodSync(directory, 0o500);
    await expect(startApi(optionsIn(directory))).rejects.toThrow(/cannot listen on/);
  });

  it("closes the first socket when the second cannot be had", async () => {
    const directory = temporaryDirectory();
    const options = optionsIn(directory);
    const other = createServer().listen(options.paths.readSocketPath);
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.once("listening", resolve));
    await expect(startApi(options)).rejects.toThrow(/in use/);
    expect(existsSync(options.paths.socketPath)).toBe(false);
  });
});

describe("the sockets refuse", () => {
  it.each([
    { headers: { host: "evil.example" } },
    { headers: { host: "localhost.evil.example" } },
    { headers: { host: "1.2.3.4.example" } },
    { headers: { host: "localhost", origin: "http://localhost" } },
    { headers: { host: "localhost", referer: "http://evil.example/" } },
    { headers: { host: "localhost", "sec-fetch-site": "cross-site" } },
  ])("what a browser would send: $headers", async ({ headers }) => {
    const { socketPath } = await apiFixture();
    const answer = await socketRequest(socketPath, "/v1/status", { headers });
    expect(answer).toMatchObject({ status: 403, json: { error: { code: "FOREIGN_REQUEST" } } });
  });

  it.each(["localhost", "localhost:9100", "127.0.0.1:9100", "[::1]:9100"])(
    "not a relay that stands at %s",
    async (host) => {
      const { readSocketPath } = await apiFixture();
      const answer = await socketRequest(readSocketPath, "/metrics", { headers: { host } });
      expect(answer.status).toBe(200);
    },
  );

  it("bodies over the cap, announced or not", async () => {
    const { socketPath, view } = await apiFixture({ bodyBytesMax: 1_000 });
    const body = "x".repeat(1_001);
    const announced = await socketRequest(socketPath, "/v1/vms", { body });
    expect(announced).toMatchObject({ status: 413, headers: { connection: "close" } });
    const chunked = `POST /v1/vms HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n${body}\r\n`;
    expect(await socketBytes(socketPath, chunked)).toMatch(/^HTTP\/1.1 413 /);
    expect(view.asked).toEqual([]);
  });

  it("bodies that are not UTF-8", async () => {
    const { socketPath } = await apiFixture();
    const answer = await socketRequest(socketPath, "/v1/vms", { body: Buffer.from([0xff, 0xfe]) });
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining("UTF-8") });
  });

  it("headers over the cap", async () => {
    const { socketPath } = await apiFixture();
    const text = `GET /v1/status HTTP/1.1\r\nhost: localhost\r\nx: ${"y".repeat(20_000)}\r\n\r\n`;
    expect(await socketBytes(socketPath, text)).toMatch(/^HTTP\/1.1 431 /);
  });

  it("senders that never finish their headers", async () => {
    const { socketPath } = await apiFixture({
      headersWaitMs: 40,
      requestWaitMs: 80,
      checkIntervalMs: 10,
    });
    const answer = await socketBytes(socketPath, "GET /v1/status HTTP/1.1\r\nhost: local");
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
  });

  it("senders that never finish their body", async () => {
    const { socketPath, view } = await apiFixture({
      headersWaitMs: 40,
      requestWaitMs: 80,
      checkIntervalMs: 10,
    });
    const head = "POST /v1/mode HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20\r\n\r\n{";
    await socketBytes(socketPath, head);
    expect(view.asked).toEqual([]);
  });

  it("connections on which nothing comes", async () => {
    const limits = { headersWaitMs: 40, requestWaitMs: 80, checkIntervalMs: 10 };
    const { socketPath } = await apiFixture(limits);
    expect(await socketBytes(socketPath, "")).toMatch(/^HTTP\/1.1 408 /);
  });

  it("readers that never take their answer", async () => {
    const { socketPath, view } = await apiFixture({ idleWaitMs: 50, connectionsMax: 1 });
    const [first] = view.current.members;
    if (first === undefined) throw new Error("the fixture has members");
    view.current = { ...view.current, members: new Array(5_000).fill(first) };
    const stuck = connect(socketPath);
    onTestFinished(() => void stuck.destroy());
    stuck.pause();
    stuck.write("GET /v1/members HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await new Promise((resolve) => stuck.once("connect", resolve));
    // There is room for one connection only: another is answered once this one was cut.
    await eventually("the stuck reader is cut", async () => {
      const answer = await socketRequest(socketPath, "/v1/status").catch(() => undefined);
      return answer?.status === 200;
    });
  });

  it("more connections than they have room for", async () => {
    const { socketPath } = await apiFixture({ connectionsMax: 2 });
    const held = [connect(socketPath), connect(socketPath)];
    onTestFinished(() => {
      for (const socket of held) socket.destroy();
    });
    await Promise.all(
      held.map((socket) => new Promise((resolve) => socket.once("connect", resolve))),
    );
    expect(
      await socketBytes(socketPath, "GET /v1/status HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    ).toBe("");
    held[0]?.destroy();
  });

  it("noise: 300 random inputs, and the agent answers afterwards", async () => {
    const { socketPath, readSocketPath, view, lines } = await apiFixture();
    const prng = new Prng(4711);
    const heads = [
      "",
      "GET ",
      "POST /v1/vms HTTP/1.1\r\nhost: localhost\r\n",
      "PRI * HTTP/2.0\r\n",
    ];
    for (let round = 0; round < 300; round += 1) {
      const noise = Buffer.from(prng.hex(2 * (1 + prng.nextInt(400))), "hex");
      const bytes = Buffer.concat([
        Buffer.from(prng.pick(heads) ?? ""),
        noise,
        Buffer.from("\r\n\r\n"),
      ]);
      const path = prng.nextInt(2) === 0 ? socketPath : readSocketPath;
      const answer = await socketBytes(path, bytes);
      expect(answer === "" || /^HTTP\/1.1 4\d\d /.test(answer)).toBe(true);
    }
    expect(view.asked).toEqual([]);
    expect(lines.filter(({ level }) => level === "error")).toEqual([]);
    expect((await socketRequest(socketPath, "/v1/status")).status).toBe(200);
  });

  it("random JSON bodies for every verb with 4xx, never 5xx", async () => {
    const { socketPath, view } = await apiFixture();
    const prng = new Prng(99);
    const bodies = [
      "[",
      "{",
      '{"mode":1}',
      '{"__proto__":{"mode":"act"}}',
      "[[[",
      '"x"',
      "1e999",
      "{}x",
    ];
    const paths = [
      "/v1/mode",
      "/v1/vms",
      "/v1/vms/a/migrate",
      "/v1/vms/a/resolve",
      "/v1/hosts/x/drain",
    ];
    for (let round = 0; round < 100; round += 1) {
      const body = prng.pick([...bodies, "[".repeat(20_000), prng.hex(64)]) ?? "";
      const path = prng.pick(paths) ?? "";
      const { status } = await socketRequest(socketPath, path, { body });
      expect({ path, body: body.slice(0, 20), status: Math.floor(status / 100) }).toEqual({
        path,
        body: body.slice(0, 20),
        status: 4,
      });
    }
    expect(view.asked).toEqual([]);
  });
});
