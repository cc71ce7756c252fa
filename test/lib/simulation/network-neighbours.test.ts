import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { Neighbours } from "#lib/simulation/network-neighbours.ts";

function neighboursOf(hostCount: number, away: ReadonlySet<string> = new Set()) {
  const neighbours = new Neighbours({
    prng: new Prng(1),
    hostCount,
    reachable: (from, to) => !away.has(from) && !away.has(to),
  });
  const hosts = Array.from({ length: hostCount }, (_, index) => `h${index}`);
  for (const host of hosts) neighbours.join(host);
  return { neighbours, hosts };
}

describe("Neighbours", () => {
  it("is a mesh only in a small world", () => {
    expect(neighboursOf(30).neighbours.isMesh).toBe(true);
    expect(neighboursOf(33).neighbours.isMesh).toBe(false);
  });

  it("gives each host three others to dial, and about as many that dial it", () => {
    const { neighbours, hosts } = neighboursOf(200);
    const dialledBy = new Map<string, number>();
    for (const host of hosts) {
      const wanted = neighbours.wanted(host, 0);
      expect(new Set(wanted).size).toBe(3);
      expect(wanted).not.toContain(host);
      for (const peer of wanted) dialledBy.set(peer, (dialledBy.get(peer) ?? 0) + 1);
    }
    expect(Math.max(...dialledBy.values())).toBeLessThan(12);
  });

  it("keeps them while they can be reached, up to 256 hosts", () => {
    const { neighbours } = neighboursOf(256);
    const wanted = neighbours.wanted("h0", 0);
    for (const atMs of [1e4, 1e5, 1e6]) expect(neighbours.wanted("h0", atMs)).toEqual(wanted);
  });

  it("changes one in 25 s above that", () => {
    const { neighbours } = neighboursOf(257);
    let before = neighbours.wanted("h0", 0);
    const changes: number[] = [];
    for (let atMs = 0; atMs <= 100_000; atMs += 1_000) {
      const wanted = neighbours.wanted("h0", atMs);
      const fresh = wanted.filter((peer) => !before.includes(peer));
      if (fresh.length > 0) changes.push(fresh.length);
      before = wanted;
    }
    expect(changes).toEqual([1, 1, 1, 1]);
  });

  it("takes others beside those that cannot be reached, and goes on trying those", () => {
    const away = new Set<string>();
    const { neighbours } = neighboursOf(100, away);
    const wanted = neighbours.wanted("h0", 0);
    for (const peer of wanted) away.add(peer);
    const more = neighbours.wanted("h0", 1);
    expect(more).toHaveLength(6);
    expect(more).toEqual(expect.arrayContaining([...wanted]));
    away.clear();
    expect(neighbours.wanted("h0", 2)).toHaveLength(3);
  });

  it("forgets a host that left", () => {
    const { neighbours, hosts } = neighboursOf(40);
    for (const host of hosts.slice(2)) neighbours.leave(host);
    expect(neighbours.wanted("h0", 0)).toEqual(["h1"]);
  });
});
