import { describe, expect, it } from "vitest";
import { BootWait } from "#lib/core/boot-wait.ts";

const peers = ["a", "b"];
const hears = (...heard: string[]) => {
  return (peer: string) => heard.includes(peer);
};

describe("BootWait", () => {
  it("is over at once without peers, and 5 s after the first when all were heard", () => {
    expect(new BootWait([], 0).over(hears(), 0)).toBe(true);
    const wait = new BootWait(peers, 0);
    expect(wait.over(hears("a"), 500)).toBe(false);
    expect(wait.over(hears("a", "b"), 5_499)).toBe(false);
    expect(wait.over(hears("a", "b"), 5_500)).toBe(true);
  });

  it("waits half a minute for the first peer, and 10 s more for the others", () => {
    const alone = new BootWait(peers, 0);
    expect(alone.over(hears(), 29_999)).toBe(false);
    expect(alone.nextTimeoutMs).toBe(30_000);
    expect(alone.over(hears(), 30_000)).toBe(true);
    const some = new BootWait(peers, 0);
    expect(some.over(hears("a"), 2_000)).toBe(false);
    expect(some.over(hears("a"), 11_999)).toBe(false);
    expect(some.over(hears("a"), 12_000)).toBe(true);
  });

  it("looks again twice a second, never after its end", () => {
    const wait = new BootWait(peers, 0);
    expect(wait.nextTimeoutMs).toBe(0);
    wait.over(hears(), 0);
    expect(wait.nextTimeoutMs).toBe(500);
    wait.over(hears(), 29_800);
    expect(wait.nextTimeoutMs).toBe(30_000);
  });
});
