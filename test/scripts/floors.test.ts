import { describe, expect, it } from "vitest";
import { floorOf, type Import, objectionTo } from "../../scripts/floors.ts";

function imports(from: string, to: string, rest: Partial<Import> = {}): string | undefined {
  return objectionTo({ from, to, kind: "source", typeOnly: false, ...rest });
}

describe("objectionTo()", () => {
  it.each([
    ["lib/model/host.ts", "lib/base/assert.ts"],
    ["lib/planning/swap.ts", "lib/wire/limits.ts"],
    ["lib/planning/swap.ts", "lib/planning/params.ts"],
    ["lib/core/node.ts", "lib/view/view.ts"],
    ["lib/simulation/trace.ts", "lib/core/node.ts"],
    ["agent/ports/clock.ts", "lib/model/units.ts"],
    ["agent/hypervisor/qemu/qmp-client.ts", "agent/ports/hypervisor.ts"],
    ["agent/hypervisor/sim-driver.ts", "lib/simulation/sim-host.ts"],
    ["agent/compose.ts", "agent/hypervisor/sim-driver.ts"],
    ["agent/main.ts", "agent/compose.ts"],
    ["agent/main.ts", "agent/config/load.ts"],
    ["agent/cli.ts", "agent/cli/status.ts"],
    ["agent/cli/key.ts", "agent/store/cluster-key.ts"],
  ])("lets %s import %s", (from, to) => {
    expect(imports(from, to)).toBeUndefined();
  });

  it.each([
    ["up", "lib/base/assert.ts", "lib/model/host.ts"],
    ["up", "lib/core/node.ts", "lib/simulation/trace.ts"],
    ["up, out of the core", "lib/core/node.ts", "agent/ports/clock.ts"],
    ["between theories", "lib/planning/swap.ts", "lib/view/view.ts"],
    ["between adapters", "agent/runtime/runtime.ts", "agent/hypervisor/sim-driver.ts"],
    ["to the one who chooses", "agent/api/server.ts", "agent/compose.ts"],
    ["past the one who chooses", "agent/main.ts", "agent/hypervisor/sim-driver.ts"],
    ["from the command into the core", "agent/cli/status.ts", "lib/core/snapshot.ts"],
    ["from the command into the store", "agent/cli/key.ts", "agent/store/journal.ts"],
    ["of a process entry", "agent/compose.ts", "agent/channel/main.ts"],
    ["of a script", "agent/compose.ts", "scripts/build.ts"],
    ["from a folder without a floor", "lib/helpers/misc.ts", "lib/base/assert.ts"],
  ])("refuses an arrow %s", (_direction, from, to) => {
    expect(imports(from, to)).toContain(from);
  });

  it("refuses type-only arrows just the same", () => {
    expect(imports("lib/planning/swap.ts", "lib/view/view.ts", { typeOnly: true })).toBeDefined();
  });

  it("keeps Node and packages out of lib, implementations out of the ports", () => {
    expect(imports("lib/base/prng.ts", "node:crypto", { kind: "node" })).toBeDefined();
    expect(imports("lib/base/prng.ts", "zod", { kind: "package" })).toBeDefined();
    expect(imports("agent/ports/log.ts", "pino", { kind: "package" })).toBeDefined();
    expect(imports("agent/ports/log.ts", "node:stream", { kind: "node" })).toBeDefined();
    expect(
      imports("agent/ports/log.ts", "node:stream", { kind: "node", typeOnly: true }),
    ).toBeUndefined();
  });

  it("keeps a package in its home", () => {
    expect(imports("agent/store/journal.ts", "zod", { kind: "package" })).toContain("agent/config");
    expect(imports("agent/config/schema.ts", "zod", { kind: "package" })).toBeUndefined();
  });

  it("refuses an import that cannot be found", () => {
    expect(imports("agent/main.ts", "./gone.ts", { kind: "unresolved" })).toContain("./gone.ts");
  });
});

describe("floorOf()", () => {
  it("does not take a folder for its namesake file", () => {
    expect(floorOf("agent/cli.ts")).toBe("agent/cli.ts");
    expect(floorOf("agent/cli/table.ts")).toBe("agent/cli");
    expect(floorOf("agent/stray.ts")).toBeUndefined();
  });
});
