import { describe, expect, it } from "vitest";
import { ServiceHosts, switchesMax } from "#lib/core/service-hosts.ts";
import { type LargePeer, largeCluster } from "../../support/large-cluster.ts";

function hostsOf(peers: Readonly<Record<string, LargePeer>>, hasSwitch = false) {
  const hosts = new ServiceHosts({ self: "QmSelf", hasSwitch, cluster: largeCluster(peers) });
  hosts.refresh(0);
  return hosts;
}

const member = { state: "alive", services: "members" } as const;

describe("ServiceHosts in a large cluster", () => {
  it("goes by summaries: who takes part, who has a switch, who is suspected", () => {
    const hosts = hostsOf({
      QmA: member,
      QmB: { state: "alive", services: "switch" },
      QmC: { state: "suspect", services: "members" },
      QmD: { state: "dead", services: "members" },
      QmE: { state: "alive" },
    });
    expect(hosts.live.hosts).toEqual(["QmSelf", "QmA", "QmB"]);
    expect(hosts.present.hosts).toEqual(["QmSelf", "QmA", "QmB", "QmC"]);
    expect(hosts.switches).toEqual(["QmB"]);
    expect(["QmC", "QmD", "QmE"].map((host) => hosts.stateOf(host))).toEqual([
      "suspect",
      "gone",
      "gone",
    ]);
  });

  it("bounds the switches that are told of members, the same ones on all hosts", () => {
    const names = Array.from({ length: 40 }, (_, at) => `QmSwitch${at}`);
    const peers = Object.fromEntries(
      names.map((name) => [name, { state: "alive", services: "switch" } as const]),
    );
    const { switches } = hostsOf(peers);
    expect(switches).toHaveLength(switchesMax);
    const reversed = Object.fromEntries(Object.entries(peers).reverse());
    expect(hostsOf(reversed).switches).toEqual(switches);
    expect(hostsOf({ QmA: member }, true).switches).toEqual(["QmSelf"]);
  });

  it("looks at once at a host that came or went, at all others seldom", () => {
    const peers: Record<string, LargePeer> = { QmA: { ...member }, QmB: { ...member } };
    const hosts = hostsOf(peers);
    const live = (nowMs: number) => {
      hosts.refresh(nowMs);
      return [...hosts.live.hosts].sort();
    };
    for (const peer of Object.values(peers)) peer.state = "dead";
    expect(live(100)).toEqual(["QmA", "QmB", "QmSelf"]);
    hosts.stir("QmA");
    expect(live(100)).toEqual(["QmB", "QmSelf"]);
    expect(hosts.stateOf("QmA")).toBe("gone");
    (peers["QmA"] as LargePeer).state = "suspect";
    hosts.stir("QmA");
    expect([live(200), hosts.present.hosts.length]).toEqual([["QmB", "QmSelf"], 3]);
    expect(live(29_999)).toEqual(["QmB", "QmSelf"]);
    expect(live(30_000)).toEqual(["QmSelf"]);
  });

  it("follows those that have a switch as they come and go", () => {
    const peers: Record<string, LargePeer> = {
      QmA: { state: "alive", services: "switch" },
      QmB: { state: "dead", services: "switch" },
    };
    const hosts = hostsOf(peers);
    expect(hosts.switches).toEqual(["QmA"]);
    (peers["QmB"] as LargePeer).state = "alive";
    (peers["QmA"] as LargePeer).state = "dead";
    for (const host of Object.keys(peers)) hosts.stir(host);
    hosts.refresh(1);
    expect(hosts.switches).toEqual(["QmB"]);
  });
});
