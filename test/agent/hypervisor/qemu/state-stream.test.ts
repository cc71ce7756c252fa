import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { receiveState, sendState } from "#agent/hypervisor/qemu/state-stream.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

describe("receiveState()", () => {
  it("writes what comes, and resolves to its length", async () => {
    const folder = temporaryFolder();
    const socketPath = join(folder, "s");
    const receiver = await receiveState(socketPath, join(folder, "state"));
    connect(socketPath).end("device state");
    expect(await receiver.received).toBe(12);
    receiver.close();
    expect(readFileSync(join(folder, "state"), "utf8")).toBe("device state");
  });

  it("breaks the stream when the disk is full, and says so", async () => {
    const socketPath = join(temporaryFolder(), "s");
    const receiver = await receiveState(socketPath, "/dev/full");
    const sender = connect(socketPath);
    const broken = new Promise((resolve) => sender.once("close", resolve));
    sender.on("error", () => {});
    sender.write("device state");
    await expect(receiver.received).rejects.toMatchObject({ code: "ENOSPC" });
    await broken;
  });

  it("close() ends a wait for a stream that never comes", async () => {
    const folder = temporaryFolder();
    const receiver = await receiveState(join(folder, "s"), join(folder, "state"));
    receiver.close();
    await expect(receiver.received).rejects.toThrow("nobody sent the state");
  });
});

describe("sendState()", () => {
  it("sends all of the file to whoever listens", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "state"), "device state");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
    const text = new Promise<string>((resolve) => {
      server.once("connection", (socket) => {
        let heard = "";
        socket.on("data", (chunk) => {
          heard += chunk.toString("utf8");
        });
        socket.on("end", () => resolve(heard));
      });
    });
    const stop = sendState(join(folder, "state"), join(folder, "s"));
    expect(await text).toBe("device state");
    stop();
    server.close();
  });
});
