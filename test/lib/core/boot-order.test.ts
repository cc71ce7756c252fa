import { describe, expect, it } from "vitest";
import { BootOrder } from "#lib/core/boot-order.ts";
import { noPolicy } from "#lib/model/policy-change.ts";
import { specOf } from "../../support/node-driver.ts";

const spec = (name: string, priority?: number) =>
  specOf(name, { policy: { ...noPolicy, ...(priority === undefined ? {} : { priority }) } });

describe("BootOrder", () => {
  it("gives nobody a turn before all of a higher priority have had theirs", () => {
    const order = new BootOrder([spec("web"), spec("db", 90), spec("log", 10), spec("dns", 90)]);
    expect([order.next(), order.next(), order.next()]).toEqual(["db", "dns", undefined]);
    order.ended("db");
    expect(order.next()).toBeUndefined();
    order.ended("dns");
    expect([order.next(), order.next()]).toEqual(["web", undefined]);
    order.ended("web");
    expect(order.next()).toBe("log");
    expect(order.isEmpty).toBe(false);
    order.ended("log");
    expect(order.isEmpty).toBe(true);
  });

  it("starts eight at one time", () => {
    const order = new BootOrder(Array.from({ length: 10 }, (_, i) => spec(`vm-${i}`)));
    const begun = Array.from({ length: 10 }, () => order.next());
    expect(begun.filter((vm) => vm !== undefined)).toHaveLength(8);
    order.ended("vm-0");
    expect(order.next()).toBe("vm-8");
  });
});
