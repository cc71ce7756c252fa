import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GuestFiles } from "#agent/hypervisor/sim/guest-files.ts";
import { SimDriver } from "#agent/hypervisor/sim/sim-driver.ts";
import { frameKinds, readFrames, writeFrame } from "#agent/hypervisor/sim/stream-frames.ts";
import { SystemClock } from "#agent/os/system-clock.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";

const mebibyte = 2 ** 20;
const vm = "web";
const moveId = "web.1.00000000000000aa";
/** Some looks at the guest, which are 50 ms apart. */
const LOOKS_MS = 200;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A target that answers when it is told to. */
class SlowTarget {
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #received = Promise.withResolvers<Socket>();

  async listen(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, "listening");
  }

  /** Resolves once the guest's last state, and so all of it, has arrived. */
  received(): Promise<Socket> {
    return this.#received.promise;
  }

  close(): void {
    this.#server.close();
  }

  #serve(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    let arrivedBytes = 0;
    readFrames(socket, ({ kind, body }) => {
      arrivedBytes += body.length;
      const arrived = Buffer.alloc(8);
      arrived.writeDoubleBE(arrivedBytes);
      writeFrame(socket, frameKinds.arrived, arrived);
      if (kind === frameKinds.state) this.#received.resolve(socket);
    });
  }
}

describe("SimDriver.migrateOut with a guest that is killed when all of it has arrived", () => {
  let root: string;
  let driver: SimDriver;
  let target: SlowTarget;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "ek-sim-sent-"));
    driver = new SimDriver({ stateDirectory: root, clock: new SystemClock() });
    target = new SlowTarget();
    await target.listen(join(root, "channel.sock"));
    await driver.start();
    await driver.startVm(simVmSpec(vm, 8 * mebibyte));
  });

  afterEach(async () => {
    await driver.stop();
    target.close();
    rmSync(root, { recursive: true, force: true });
  });

  function send() {
    const limits = { bandwidthBytesPerSecond: 0, downtimeMs: 300, noProgressMs: 30_000 };
    const socketPath = join(root, "channel.sock");
    const order = { moveId, vm, socketPath, limits, progressed: () => {} };
    return driver.migrateOut(order, new AbortController().signal);
  }

  const kill = () => new GuestFiles(join(root, "sim-guests")).remove(vm);

  it("says that it is sent: it stood still, and the target has all of it", async () => {
    const end = send();
    const socket = await target.received();
    kill();
    await wait(LOOKS_MS);
    writeFrame(socket, frameKinds.complete);
    await expect(end).resolves.toMatchObject({ end: "sent" });
    expect(await driver.list()).toEqual([]);
    expect(await driver.moveVerdict(moveId, vm)).toBe("gone");
  });

  it("fails when the stream breaks off before the target says so", async () => {
    const end = send();
    const socket = await target.received();
    kill();
    await wait(LOOKS_MS);
    socket.destroy();
    await expect(end).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
    expect(await driver.moveVerdict(moveId, vm)).toBe("gone");
  });
});
