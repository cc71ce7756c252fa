import { expect, test } from "vitest";
import { compareText, sortedBy } from "#lib/base/ordered.ts";

test("compareText() orders by code unit, not by locale", () => {
  expect(["b", "a", "B", "ä", "a-b"].sort(compareText)).toEqual(["B", "a", "a-b", "b", "ä"]);
  expect(compareText("same", "same")).toBe(0);
});

test("sortedBy() returns a new array", () => {
  const hosts = [{ name: "b" }, { name: "a" }];
  expect(sortedBy(hosts, (host) => host.name).map((host) => host.name)).toEqual(["a", "b"]);
  expect(hosts[0]?.name).toBe("b");
});
