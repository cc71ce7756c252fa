import { describe, expect, it } from "vitest";
import { rankedNeighbours, turnedRanking, wantedNeighbours } from "#agent/transport/neighbours.ts";

const never = (): boolean => false;

function hostsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `12D3KooWhost${i}`);
}

/** Who is connected to whom when each dials those that it wants. */
function graphOf(hosts: readonly string[]): Map<string, Set<string>> {
  const graph = new Map(hosts.map((host) => [host, new Set<string>()]));
  for (const host of hosts) {
    for (const neighbour of wantedNeighbours(rankedNeighbours(host, hosts), never)) {
      graph.get(host)?.add(neighbour);
      graph.get(neighbour)?.add(host);
    }
  }
  return graph;
}

function reachedFrom(graph: Map<string, Set<string>>, start: string): number {
  const reached = new Set([start]);
  for (const host of reached) for (const next of graph.get(host) ?? []) reached.add(next);
  return reached.size;
}

describe("wantedNeighbours()", () => {
  it("is everybody while there are at most seven others", () => {
    for (const count of [0, 1, 2, 8]) {
      const hosts = hostsOf(count);
      for (const neighbours of graphOf(hosts).values()) expect(neighbours.size).toBe(count - 1);
    }
  });

  it.each([9, 24, 100, 400])(
    "makes one graph of %i hosts with about six neighbours each",
    (count) => {
      const graph = graphOf(hostsOf(count));
      const degrees = [...graph.values()].map((neighbours) => neighbours.size);
      const mean = degrees.reduce((sum, degree) => sum + degree, 0) / count;
      expect(reachedFrom(graph, "12D3KooWhost0")).toBe(count);
      expect(mean).toBeGreaterThan(4);
      expect(mean).toBeLessThan(6.5);
      expect(Math.min(...degrees)).toBeGreaterThanOrEqual(3);
      expect(Math.max(...degrees)).toBeLessThan(16);
    },
  );

  it("changes little when a host comes", () => {
    const before = graphOf(hostsOf(50));
    const after = graphOf(hostsOf(51));
    let lost = 0;
    for (const [host, neighbours] of before) {
      for (const neighbour of neighbours) if (!after.get(host)?.has(neighbour)) lost += 1;
    }
    expect(lost).toBeLessThan(20);
  });

  it("takes others beside unreachable ones, and keeps trying a bounded number of those", () => {
    const ranked = hostsOf(50);
    const away = new Set(ranked.slice(0, 20));
    const wanted = wantedNeighbours(ranked, (host) => away.has(host));
    expect(wanted.filter((host) => away.has(host))).toEqual(ranked.slice(0, 6));
    expect(wanted.filter((host) => !away.has(host))).toEqual(ranked.slice(20, 23));
  });
});

describe("turnedRanking()", () => {
  const neighboursAt = (count: number, nowMs: number) =>
    wantedNeighbours(turnedRanking(rankedNeighbours("self", hostsOf(count)), nowMs), never);

  it("leaves the neighbours of up to 255 others as they are", () => {
    expect(neighboursAt(255, 1e9)).toEqual(neighboursAt(255, 0));
  });

  it("replaces one neighbour in 25 s above that, and comes round to everybody", () => {
    const met = new Set<string>();
    let before = neighboursAt(300, 0);
    for (let turn = 0; turn < 300; turn += 1) {
      const now = neighboursAt(300, turn * 25_000 + 10);
      expect(now.filter((host) => !before.includes(host))).toHaveLength(turn === 0 ? 0 : 1);
      for (const host of now) met.add(host);
      before = now;
    }
    expect(met.size).toBe(300);
  });
});
