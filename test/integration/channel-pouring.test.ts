/** The socket that reads into one block of its own: no byte of it may be lost, or change under way. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { PouringSocket } from "#agent/channel/pouring-socket.ts";

const TURNS = 50;

let folder: string;
let closers: (() => unknown)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-pouring-"));
  closers = [];
});

afterEach(() => {
  for (const close of closers) close();
  rmSync(folder, { recursive: true, force: true });
});

async function connected(): Promise<{ writer: Socket; reader: PouringSocket }> {
  const path = join(folder, "pour.sock");
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(path);
  closers.push(() => server.close());
  await once(server, "listening");
  const accepted = once(server, "connection");
  const writer = createConnection({ path, allowHalfOpen: true });
  closers.push(() => writer.destroy());
  const [socket]: Socket[] = await accepted;
  if (!socket) throw new Error("no socket");
  const reader = PouringSocket.over(socket);
  closers.push(() => reader.destroy());
  return { writer, reader };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

it("PouringSocket leaves a block alone until its writer is done with it, and ends after the last", async () => {
  const { writer, reader } = await connected();
  const sent = randomBytes(3 << 20);
  // Written before anybody reads: what came early is there, too.
  writer.end(sent);
  const received = createHash("sha256");
  let blocks = 0;
  const slow = new Writable({
    write(chunk: Buffer, _encoding, done) {
      blocks += 1;
      // Turns later, when a reader that did not wait would have read over it.
      turns(TURNS).then(() => {
        received.update(chunk);
        done();
      }, done);
    },
  });
  reader.pourInto(slow);
  await once(slow, "finish");
  expect(received.digest("hex")).toBe(createHash("sha256").update(sent).digest("hex"));
  expect(reader.bytesRead).toBe(sent.length);
  expect(blocks).toBeGreaterThan(3);
});

it("PouringSocket reads no further for a writer that failed, and still speaks back", async () => {
  const { writer, reader } = await connected();
  writer.write(randomBytes(64 << 10));
  const failing = new Writable({ write: (_chunk, _encoding, done) => done(new Error("broken")) });
  const failed = once(failing, "error");
  reader.pourInto(failing);
  await failed;
  const readBytes = reader.bytesRead;
  const back = once(writer, "data");
  writer.write(randomBytes(64 << 10));
  reader.write("back");
  expect(String((await back)[0])).toBe("back");
  expect(reader.bytesRead).toBe(readBytes);
});
