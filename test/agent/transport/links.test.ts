import { describe, expect, it } from "vitest";
import { type Link, Links, SILENCE_MS_MAX, YIELD_SILENCE_MS } from "#agent/transport/links.ts";
import { OUTBOX_MESSAGES_MAX, OUTBOX_WAIT_MS } from "#agent/transport/outbox.ts";

/** A link whose other end is the test. */
class FakeLink implements Link {
  readonly host: string;
  readonly isDialled: boolean;
  hasRoom = true;
  receivedAtMs = 0;
  aborted: string | undefined;
  readonly sent: number[] = [];

  constructor(host: string, isDialled: boolean) {
    this.host = host;
    this.isDialled = isDialled;
  }

  silentForMs(nowMs: number): number {
    return nowMs - this.receivedAtMs;
  }

  send([byte = 0]: Uint8Array): boolean {
    this.sent.push(byte);
    return this.hasRoom;
  }

  keepAlive(): void {}

  forgiveSilence(nowMs: number): void {
    this.receivedAtMs = nowMs;
  }

  abort(reason: string): void {
    this.aborted = reason;
  }
}

function linksAt(self = "B"): { links: Links<FakeLink>; told: string[]; time: { nowMs: number } } {
  const time = { nowMs: 0 };
  const told: string[] = [];
  const links = new Links<FakeLink>({
    self,
    nowMs: () => time.nowMs,
    connected: (host) => told.push(`connected ${host}`),
    disconnected: (host) => told.push(`disconnected ${host}`),
    lost: (host, count) => told.push(`lost ${count} for ${host}`),
  });
  return { links, told, time };
}

const message = Uint8Array.of(7);

describe("Links", () => {
  it("both ends keep the one of two links that the smaller id dialled", () => {
    for (const [self, peer] of [
      ["A", "B"],
      ["B", "A"],
    ] as const) {
      const { links, told } = linksAt(self);
      const ours = new FakeLink(peer, true);
      const theirs = new FakeLink(peer, false);
      for (const link of self < peer ? [ours, theirs] : [theirs, ours]) links.add(link);
      expect(links.get(peer)).toBe(self < peer ? ours : theirs);
      expect(told).toEqual([`connected ${peer}`]);
    }
  });

  it("keeps the same choice whichever came first", () => {
    const { links } = linksAt("A");
    const ours = new FakeLink("B", true);
    links.add(new FakeLink("B", false));
    links.add(ours);
    expect(links.get("B")).toBe(ours);
  });

  it("ends the other link only after a moment, and says nothing of it", () => {
    const { links, told, time } = linksAt("A");
    const other = new FakeLink("B", false);
    links.add(new FakeLink("B", true));
    links.add(other);
    links.tick(1_000, false);
    expect(other.aborted).toBeUndefined();
    time.nowMs = 2_000;
    links.tick(2_000, false);
    expect(other.aborted).toBeDefined();
    links.remove(other);
    expect(told).toEqual(["connected B"]);
  });

  it("takes a new link instead of one that fell silent, or that its peer dialled anew", () => {
    const { links, time } = linksAt("A");
    links.add(new FakeLink("B", true));
    time.nowMs = YIELD_SILENCE_MS + 1;
    const late = new FakeLink("B", false);
    late.receivedAtMs = time.nowMs;
    links.add(late);
    expect(links.get("B")).toBe(late);
    const again = new FakeLink("B", false);
    links.add(again);
    expect(links.get("B")).toBe(again);
  });

  it("falls back to a second link when the first one ends", () => {
    const { links, told } = linksAt("A");
    const first = new FakeLink("B", true);
    const second = new FakeLink("B", false);
    links.add(first);
    links.add(second);
    links.remove(first);
    expect(links.get("B")).toBe(second);
    links.remove(second);
    expect(told).toEqual(["connected B", "disconnected B"]);
  });

  it("keeps messages until there is a link, bounded in number", () => {
    const { links, told } = linksAt();
    for (let i = 0; i <= OUTBOX_MESSAGES_MAX; i++) expect(links.send("A", message)).toBe(false);
    expect(told).toEqual(["lost 1 for A"]);
    const link = new FakeLink("A", false);
    links.add(link);
    expect(link.sent).toHaveLength(OUTBOX_MESSAGES_MAX);
  });

  it("gives up messages that waited too long", () => {
    const { links, told } = linksAt();
    links.send("A", message);
    links.tick(OUTBOX_WAIT_MS, false);
    expect(told).toEqual(["lost 1 for A"]);
    expect(links.isAwaited("A")).toBe(false);
  });

  it("keeps order when a link has no room for a while", () => {
    const { links } = linksAt();
    const link = new FakeLink("A", false);
    links.add(link);
    link.hasRoom = false;
    links.send("A", Uint8Array.of(1));
    links.send("A", Uint8Array.of(2));
    expect(link.sent).toEqual([]);
    link.hasRoom = true;
    links.flush("A");
    links.send("A", Uint8Array.of(3));
    expect(link.sent).toEqual([1, 2, 3]);
  });

  it("ends a silent link, but not when this process itself was late", () => {
    const { links } = linksAt();
    const link = new FakeLink("A", false);
    links.add(link);
    links.tick(SILENCE_MS_MAX + 1, true);
    expect(link.aborted).toBeUndefined();
    links.tick(2 * SILENCE_MS_MAX + 1, false);
    expect(link.aborted).toBeUndefined();
    links.tick(2 * SILENCE_MS_MAX + 2, false);
    expect(link.aborted).toBe("silent for too long");
  });
});
