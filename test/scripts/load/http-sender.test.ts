import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { HttpSender } from "../../../scripts/load/http-sender.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const LIMIT_MS = 10_000;

async function served(listener: RequestListener) {
  const server = createServer(listener);
  const connections: Socket[] = [];
  server.on("connection", (socket) => connections.push(socket));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const place = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  return { server, connections, place };
}

function senderOf(options: ConstructorParameters<typeof HttpSender>[0]): HttpSender {
  const sender = new HttpSender(options);
  onTestFinished(() => sender.close());
  return sender;
}

describe("HttpSender", () => {
  it("takes a whole answer of status 200 for good, and any other for lost", async () => {
    const { place } = await served((asked, response) => {
      response.writeHead(asked.url === "/bad" ? 503 : 200).end("hello");
    });
    const common = { place, limitMs: LIMIT_MS, connections: "kept" } as const;
    expect(await senderOf(common).send()).toBe("");
    expect(await senderOf({ ...common, path: "/bad" }).send()).toBe("status-503");
  });

  it.each([
    ["kept", 1],
    ["fresh", 3],
  ] as const)("with %s connections makes %i for three requests", async (connections, count) => {
    const { place, connections: made } = await served((_, response) => response.end("hello"));
    const sender = senderOf({ place, limitMs: LIMIT_MS, connections });
    for (let i = 0; i < 3; i += 1) expect(await sender.send()).toBe("");
    expect(made).toHaveLength(count);
  });

  it("gives a slow answer up at the limit", async () => {
    const { place } = await served(() => undefined);
    expect(await senderOf({ place, limitMs: 20, connections: "kept" }).send()).toBe("timeout");
  });

  it("gives an answer up that never ends", async () => {
    const { place } = await served((_, response) => response.write("hel"));
    expect(await senderOf({ place, limitMs: 50, connections: "kept" }).send()).toBe("timeout");
  });

  it("names a dropped connection, before the answer and within it", async () => {
    const { place } = await served((asked, response) => {
      if (asked.url === "/within") response.write("hel", () => response.destroy());
      else asked.socket.destroy();
    });
    const common = { place, limitMs: LIMIT_MS, connections: "fresh" } as const;
    expect(await senderOf(common).send()).toBe("ECONNRESET");
    expect(await senderOf({ ...common, path: "/within" }).send()).toBe("ECONNRESET");
  });

  it("names a refused connection, and asks over a UNIX socket, too", async () => {
    const { server, place } = await served((_, response) => response.end("hello"));
    server.close();
    const common = { limitMs: LIMIT_MS, connections: "fresh" } as const;
    expect(await senderOf({ ...common, place }).send()).toBe("ECONNREFUSED");
    const socketPath = join(temporaryFolder(), "front");
    expect(await senderOf({ ...common, place: { socketPath } }).send()).toBe("ENOENT");
    const local = createServer((_, response) => response.end("hello"));
    onTestFinished(() => void local.close());
    local.listen(socketPath);
    await once(local, "listening");
    expect(await senderOf({ ...common, place: { socketPath } }).send()).toBe("");
  });
});
