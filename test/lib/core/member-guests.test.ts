import { expect, it } from "vitest";
import { MemberGuests } from "#lib/core/member-guests.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";

it("MemberGuests keeps the load of a copy while it lasts, and none of the copy before", () => {
  const guests = new MemberGuests();
  const spec = simVmSpec("web--1234");
  guests.begins(spec);
  const { estimate } = guests.get(spec.name) ?? {};
  guests.begins(spec);
  expect(guests.get(spec.name)?.estimate).toBe(estimate);
  expect([...guests.all()]).toHaveLength(1);
  guests.ended(spec.name);
  guests.ended(spec.name);
  expect([...guests.all()]).toEqual([]);
  guests.begins(spec);
  expect(guests.get(spec.name)?.estimate).not.toBe(estimate);
});
