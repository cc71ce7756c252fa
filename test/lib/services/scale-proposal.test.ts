import { expect, test } from "vitest";
import { runningDigest } from "#lib/services/scale-proposal.ts";
import { memberEntry } from "../../support/service-fixture.ts";

const live = new Set(["node-1", "node-2", "node-3"]);
const running = (...hosts: string[]) =>
  hosts.map((host) => memberEntry(host, { state: "running" }));

test("runningDigest() is over the set of live hosts whose members count", () => {
  const digest = runningDigest(running("node-1", "node-2"), live, []);
  expect(digest).toMatch(/^[0-9a-f]{8}$/);
  const same = [
    running("node-2", "node-1"),
    [...running("node-1", "node-2"), memberEntry("node-3")],
    [...running("node-1"), memberEntry("node-2", { state: "resuming" })],
    running("node-1", "node-2", "node-9"),
  ];
  for (const members of same) expect(runningDigest(members, live, [])).toBe(digest);
  const others = [
    running("node-1"),
    running("node-1", "node-2", "node-3"),
    [...running("node-1"), memberEntry("node-2", { state: "draining" })],
    [],
  ];
  for (const members of others) expect(runningDigest(members, live, [])).not.toBe(digest);
});

test("runningDigest() leaves out the hosts that are changing", () => {
  const digest = runningDigest(running("node-1"), live, ["node-2"]);
  expect(runningDigest(running("node-1", "node-2"), live, ["node-2"])).toBe(digest);
});
