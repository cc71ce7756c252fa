import { expect, it } from "vitest";
import type { ServerState } from "#lib/model/switch.ts";
import { SimSwitch } from "#lib/simulation/sim-switch.ts";

const backends = (
  states: Readonly<Record<string, ServerState>>,
  connectionsMax: number | null = null,
) => [
  {
    backend: "web",
    servers: Object.entries(states).map(([member, state]) => {
      return { member, address: "10.0.0.1", port: 80, state, weight: 100, connectionsMax };
    }),
  },
];

it("SimSwitch spreads sessions over who is ready, and lets a drain end", () => {
  const found = new SimSwitch(() => 5);
  const sessions = (nowMs: number) =>
    found.look(nowMs).flatMap(({ servers }) => servers.map((server) => server.sessions));
  found.apply(backends({ a: "ready", b: "ready", c: "maint" }), 0);
  expect(sessions(0)).toEqual([2, 3, 0]);
  expect([found.sends("a"), found.sends("c")]).toEqual([true, false]);
  found.apply(backends({ a: "drain", b: "ready", c: "maint" }), 10);
  expect(sessions(10)).toEqual([2, 5, 0]);
  expect(sessions(2_000)).toEqual([0, 5, 0]);
  found.apply(backends({ a: "maint", b: "maint" }), 2_000);
  expect(found.look(2_000)[0]).toMatchObject({ queued: 5 });
  found.reset();
  expect(found.look(3_000)).toEqual([]);
});

it("SimSwitch makes those wait for whom no member has room", () => {
  const found = new SimSwitch(() => 10);
  found.apply(backends({ a: "ready", b: "ready" }, 3), 0);
  expect(found.look(0)[0]).toMatchObject({
    queued: 4,
    servers: [{ sessions: 3 }, { sessions: 3 }],
  });
});
