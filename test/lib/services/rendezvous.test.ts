import fc from "fast-check";
import { expect, test } from "vitest";
import { HostRanking, rendezvousOrder, stewardOf } from "#lib/services/rendezvous.ts";

const hostNames = fc.uniqueArray(fc.string({ minLength: 4, maxLength: 8 }), {
  minLength: 1,
  maxLength: 12,
});

test("rendezvousOrder() is the same whatever the order in which hosts are known", () => {
  fc.assert(
    fc.property(fc.string(), hostNames, (key, hosts) => {
      expect(rendezvousOrder(key, [...hosts].reverse())).toEqual(rendezvousOrder(key, hosts));
    }),
  );
});

test("rendezvousOrder() keeps the order of the others when one goes", () => {
  fc.assert(
    fc.property(fc.string(), hostNames, fc.nat(), (key, hosts, at) => {
      const gone = hosts[at % hosts.length];
      const others = (list: string[]) => list.filter((host) => host !== gone);
      expect(rendezvousOrder(key, others(hosts))).toEqual(others(rendezvousOrder(key, hosts)));
    }),
  );
});

test("HostRanking.top() is the begin of the whole order, however often and for how many it is asked", () => {
  fc.assert(
    fc.property(fc.string(), hostNames, fc.array(fc.nat(14)), (key, hosts, counts) => {
      const ranking = new HostRanking(hosts);
      const order = rendezvousOrder(key, hosts);
      for (const count of counts) expect(ranking.top(key, count)).toEqual(order.slice(0, count));
      expect(ranking.first(key)).toBe(order[0]);
    }),
  );
});

test("HostRanking keeps up with hosts that come and go, in all that it was asked", () => {
  const keys = ["web", "mail", "shop"];
  fc.assert(
    fc.property(hostNames, fc.array(fc.tuple(fc.nat(11), fc.nat(14))), (hosts, changes) => {
      const ranking = new HostRanking([]);
      const there = new Set<string>();
      for (const [at, count] of changes) {
        const host = hosts[at % hosts.length] ?? "";
        if (there.delete(host)) ranking.remove(host);
        else ranking.add(there.add(host) && host);
        for (const key of keys) {
          expect(ranking.top(key, count)).toEqual(rendezvousOrder(key, there).slice(0, count));
        }
        expect([...ranking.hosts].sort()).toEqual([...there].sort());
      }
    }),
  );
});

test("stewardOf() spreads the services over the hosts", () => {
  const hosts = Array.from({ length: 20 }, (_, at) => `12D3KooWhost${at}`);
  const services = new Map<string, number>();
  for (let service = 0; service < 2_000; service++) {
    const steward = stewardOf(`web-${service}`, hosts) ?? "";
    services.set(steward, (services.get(steward) ?? 0) + 1);
  }
  expect(services.size).toBe(20);
  // 100 each on average; 5 standard deviations of a fair draw.
  for (const count of services.values()) expect(Math.abs(count - 100)).toBeLessThan(50);
  expect(stewardOf("web", [])).toBe(undefined);
});
