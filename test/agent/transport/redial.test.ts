import { describe, expect, it } from "vitest";
import { type DialTarget, Redial } from "#agent/transport/redial.ts";

const CONFIGURED = "/ip4/10.0.0.9/tcp/7400";

/** A Redial whose dials the test answers. */
class Bench {
  nowMs = 0;
  readonly connected = new Set<string>();
  readonly dials: DialTarget[] = [];
  answer: (target: DialTarget) => string | undefined = () => undefined;
  readonly redial: Redial;

  constructor(self = "M", configured: readonly string[] = []) {
    this.redial = new Redial({
      self,
      configured,
      peersMax: 64,
      nowMs: () => this.nowMs,
      share: () => 0.5,
      isConnected: (host) => this.connected.has(host),
      dial: (target) => this.#dial(target),
    });
  }

  know(...hosts: readonly string[]): void {
    this.redial.setPeers(
      hosts.map((host) => ({
        host,
        addresses: [`/ip4/10.0.0.1/tcp/${host.length}`],
        probePort: 1,
      })),
    );
  }

  /** Ticks each 250 ms of simulated time, and lets the dials end. */
  async run(ms: number): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 250) {
      this.redial.tick();
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
    }
  }

  async #dial(target: DialTarget): Promise<string> {
    this.dials.push(target);
    const host = this.answer(target);
    if (!host) throw new Error("nobody");
    this.connected.add(host);
    return host;
  }
}

describe("Redial", () => {
  it("dials known hosts once while they answer", async () => {
    const bench = new Bench();
    bench.answer = ({ host }) => host ?? undefined;
    bench.know("N", "O", "M");
    await bench.run(10_000);
    expect(bench.dials.map(({ host }) => host).sort()).toEqual(["N", "O"]);
  });

  it("tries a silent host again for ever, ever more rarely within bounds", async () => {
    const bench = new Bench();
    bench.know("N");
    await bench.run(60_000);
    expect(bench.dials.length).toBeGreaterThan(10);
    expect(bench.dials.length).toBeLessThan(20);
    await bench.run(3_600_000);
    const before = bench.dials.length;
    await bench.run(60_000);
    expect(bench.dials.length - before).toBeGreaterThanOrEqual(2);
    expect(bench.dials.length - before).toBeLessThanOrEqual(4);
  });

  it("dials at once after a disconnection, then by back-off", async () => {
    const bench = new Bench();
    bench.answer = ({ host }) => host ?? undefined;
    bench.know("N");
    await bench.run(60_000);
    bench.connected.delete("N");
    bench.redial.disconnected("N");
    await bench.run(1_000);
    expect(bench.dials).toHaveLength(2);
  });

  it("waits no longer for a host that was heard", async () => {
    const bench = new Bench();
    bench.know("N");
    await bench.run(30_000);
    const before = bench.dials.length;
    bench.redial.heard("N");
    await bench.run(250);
    expect(bench.dials.length).toBe(before + 1);
  });

  it("tries everybody again when one that was away answers", async () => {
    const bench = new Bench();
    bench.know("N", "O", "P");
    await bench.run(60_000);
    bench.answer = ({ host }) => host ?? undefined;
    await bench.run(6_000);
    expect([...bench.connected].sort()).toEqual(["N", "O", "P"]);
  });

  it("forgets hosts that are no longer known", async () => {
    const bench = new Bench();
    bench.know("N");
    await bench.run(1_000);
    bench.know();
    const before = bench.dials.length;
    await bench.run(60_000);
    expect(bench.dials.length).toBe(before);
  });

  it("lets the smaller id dial first when both hear of each other at once", async () => {
    const bench = new Bench();
    bench.redial.found("Z", ["/ip4/10.0.0.2/tcp/1"]);
    bench.redial.found("A", ["/ip4/10.0.0.3/tcp/1"]);
    await bench.run(250);
    expect(bench.dials.map(({ host }) => host)).toEqual(["Z"]);
    await bench.run(750);
    expect(bench.dials.map(({ host }) => host)).toContain("A");
  });

  it("dials what mDNS found only for a while, and a bounded number of it", async () => {
    const bench = new Bench();
    for (let i = 0; i < 500; i++) bench.redial.found(`Z${i}`, ["/ip4/10.0.0.2/tcp/1"]);
    await bench.run(120_000);
    expect(new Set(bench.dials.map(({ host }) => host)).size).toBeLessThanOrEqual(64);
    const before = bench.dials.length;
    await bench.run(60_000);
    expect(bench.dials.length).toBe(before);
  });

  it("dials a configured address until somebody answers, and again when that one is lost", async () => {
    const bench = new Bench("M", [CONFIGURED]);
    await bench.run(5_000);
    expect(bench.dials.length).toBeGreaterThan(2);
    bench.answer = () => "N";
    await bench.run(10_000);
    const before = bench.dials.length;
    await bench.run(10_000);
    expect(bench.dials.length).toBe(before);
    bench.connected.clear();
    await bench.run(2_000);
    expect(bench.connected).toEqual(new Set(["N"]));
  });

  it("leaves a configured address alone that turned out to be its own", async () => {
    const bench = new Bench("M", [CONFIGURED]);
    bench.answer = () => "M";
    await bench.run(60_000);
    expect(bench.dials).toHaveLength(1);
  });

  it("connects to whoever is sent to, beside its neighbours, and keeps that for a minute", async () => {
    const bench = new Bench();
    bench.answer = ({ host }) => host ?? undefined;
    const hosts = Array.from({ length: 40 }, (_, i) => `host${i}`);
    bench.know(...hosts);
    await bench.run(5_000);
    expect(bench.connected.size).toBe(3);
    const far = hosts.find((host) => !bench.connected.has(host)) ?? "";
    bench.redial.demanded(far);
    await bench.run(500);
    expect(bench.connected.has(far)).toBe(true);
    expect(bench.redial.isWanted(far)).toBe(true);
    await bench.run(61_000);
    expect(bench.redial.isWanted(far)).toBe(false);
  });
});
