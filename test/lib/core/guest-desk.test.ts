import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import { quietNetwork } from "#lib/simulation/network-options.ts";
import { addVm, joinedWorld, mustDo, simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";
import { settledDriver, specOf } from "../../support/node-driver.ts";

describe("GuestDesk", () => {
  it.each([
    [
      { verb: "stop", vm: "web", force: true },
      { verb: "undefine", vm: "web" },
    ],
    [
      { verb: "stop", vm: "web", force: false },
      { verb: "start", vm: "web" },
    ],
    [
      { verb: "suspend", vm: "web" },
      { verb: "resume", vm: "web" },
    ],
    [
      { verb: "suspend", vm: "web" },
      { verb: "undefine", vm: "web" },
    ],
  ] as const)("allows at once after %j what it makes possible: %j", (first, second) => {
    const world = joinedWorld({
      seed: 1,
      scenario: "verbs",
      makeNode: (options) => new Node(options),
      hosts: [smallHost],
      workload: new ConstantWorkload({ cpuCores: 0.05 }),
      network: quietNetwork,
    });
    const host = world.hosts[0] ?? "";
    addVm(world, host, simVmSpec("web"));
    mustDo(world, host, first);
    expect(() => mustDo(world, host, second)).not.toThrow();
  });

  it("wants a VM to run on that ran already as it was defined", () => {
    const driver = settledDriver({ own: ["db"] });
    driver.ask({ verb: "define", spec: specOf("web") });
    expect(driver.kept("vm/web")).toMatchObject({ desired: "stopped" });
    driver.list({ db: "running", web: "running" });
    expect(driver.kept("vm/web")).toMatchObject({ desired: "running" });
    driver.ask({ verb: "define", spec: specOf("idle") });
    driver.list({ db: "running", web: "running", idle: "defined" });
    expect(driver.kept("vm/idle")).toMatchObject({ desired: "stopped" });
  });

  it.each([
    ["suspend", "COMMAND_FAILED", "running"],
    ["suspend", "TIMED_OUT", "running"],
    ["stop", "TIMED_OUT", "running"],
    ["start", "TIMED_OUT", "running"],
  ] as const)("after a %s that failed (%s) wants the guest %s", (verb, code, desired) => {
    const driver = settledDriver({ own: ["web"] });
    if (verb === "start") {
      driver.ask({ verb: "stop", vm: "web", force: true });
      driver.end("stop", null);
      driver.list({});
    }
    driver.ask(verb === "stop" ? { verb, vm: "web", force: true } : { verb, vm: "web" });
    driver.fail(verb, code);
    expect(driver.kept("vm/web")).toMatchObject({ desired });
  });
});
