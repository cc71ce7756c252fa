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

  it("looks again at once when somebody went, soon when somebody came, else seldom", () => {
    const peers: Record<string, LargePeer> = { QmA: { ...member } };
    const hosts = hostsOf(peers);
    const lives = (nowMs: number) => {
      hosts.refresh(nowMs);
      return hosts.stateOf("QmA") === "live";
    };
    (peers["QmA"] as LargePeer).state = "dead";
    expect(lives(100)).toBe(true);
    hosts.stir(true);
    expect(lives(100)).toBe(false);
    (peers["QmA"] as LargePeer).state = "alive";
    hosts.stir(false);
    expect(lives(500)).toBe(false);
    expect(lives(1_100)).toBe(true);
    (peers["QmA"] as LargePeer).state = "dead";
    expect(lives(11_099)).toBe(true);
    expect(lives(11_100)).toBe(false);
  });
});
