import type { Stream } from "@libp2p/interface";
import { describe, expect, it } from "vitest";
import { thinOutWindowUpdates } from "#agent/transport/window-updates.ts";

/** The receiving half of a yamux stream: an update fills its window again. */
class Receiver {
  recvWindow = 1000;
  recvWindowCapacity = 1000;
  updates = 0;

  sendWindowUpdate(): void {
    this.updates += 1;
    this.recvWindowCapacity = this.recvWindow;
  }

  receive(bytes: number): void {
    this.recvWindowCapacity -= bytes;
    this.sendWindowUpdate();
  }
}

describe("thinOutWindowUpdates", () => {
  it("holds updates back until half of the window is used", () => {
    const receiver = new Receiver();
    thinOutWindowUpdates(receiver as unknown as Stream);
    for (let frame = 0; frame < 4; frame += 1) receiver.receive(100);
    expect(receiver.updates).toBe(0);
    receiver.receive(100);
    expect(receiver.updates).toBe(1);
    expect(receiver.recvWindowCapacity).toBe(1000);
  });

  it("never lets the window run out", () => {
    const receiver = new Receiver();
    thinOutWindowUpdates(receiver as unknown as Stream);
    for (let frame = 0; frame < 100; frame += 1) {
      receiver.receive(499);
      expect(receiver.recvWindowCapacity).toBeGreaterThanOrEqual(500);
    }
  });

  it("leaves a stream of another kind as it is", () => {
    const stream = { sendWindowUpdate: "none" };
    thinOutWindowUpdates(stream as unknown as Stream);
    expect(stream).toEqual({ sendWindowUpdate: "none" });
  });
});
