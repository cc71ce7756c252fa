/** What an agent with a switch is told of servers that an earlier life put there. */
import { expect, it } from "vitest";
import type { HostId } from "#lib/model/ids.ts";
import type { Leftovers } from "#lib/model/switch.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { mustDo } from "#lib/simulation/sim-cluster.ts";
import { settled } from "../support/service-world.ts";

/** The last word to the switch of this host. */
function wordTo(world: CheckedWorld, host: HostId): () => Leftovers | undefined {
  let last: Leftovers | undefined;
  world.onFact((fact) => {
    if (fact.type !== "stepped" || fact.host !== host) return;
    for (const effect of fact.effects) {
      if (effect.type === "switchWanted") last = effect.leftovers;
    }
  });
  return () => last;
}

it.each([1, 2, 3])("an agent that was away clears what was deleted meanwhile (seed %i)", (seed) => {
  const { world, first } = settled(seed);
  const away = world.hosts[1] ?? "";
  world.killAgent(away);
  mustDo(world, first, { verb: "serviceDelete", service: "web" });
  world.runFor(5_000);
  const word = wordTo(world, away);
  world.startAgent(away);
  const clears = () => word()?.cleared?.includes("web") === true;
  expect(world.runUntil(clears, 20_000)).toBe(true);
  // Servers of services that nobody knows go later: the others may know them.
  expect(word()?.cleared).toEqual(["web"]);
  expect(world.runUntil(() => word()?.cleared === null, 70_000)).toBe(true);
});
