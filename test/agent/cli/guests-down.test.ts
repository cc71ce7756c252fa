import { describe, expect, it } from "vitest";
import type { HostShutdown, VmEnding } from "#lib/model/host-shutdown.ts";
import { apiFixture } from "../../support/api-fixture.ts";
import { runCli } from "../../support/run-cli.ts";

const ending = (vm: string, state: VmEnding["state"], detail = ""): VmEnding => ({
  ...{ vm, state, detail },
  wanted: "suspend",
});

async function down(shutdown: HostShutdown, ...words: string[]) {
  const { socketPath, view } = await apiFixture();
  const before = view.current;
  view.current = { ...before, shutdown };
  const done = await runCli(["--socket", socketPath, "guests", "down", ...words]);
  return { ...done, asked: view.asked };
}

describe("evenkeel guests down", () => {
  it("asks the agent and prints a line for each guest", async () => {
    const vms = [ending("web", "suspended"), ending("db", "off", "not moved: it is pinned here")];
    const { code, out, asked } = await down({ vms, isDone: true }, "--deadline", "90s");
    expect({ code, out }).toEqual({
      code: 0,
      out: "web is suspended\ndb is off (not moved: it is pinned here)",
    });
    expect(asked).toEqual([{ verb: "shutdown", deadlineMs: 90_000 }]);
  });

  it("fails when a guest could not be ended, or not in time", async () => {
    const vms = [ending("web", "failed"), ending("db", "leaving")];
    expect(await down({ vms: vms.slice(0, 1), isDone: true })).toMatchObject({ code: 1 });
    const late = await down({ vms, isDone: false }, "--deadline", "2s");
    expect(late).toMatchObject({ code: 1, out: expect.stringContaining("db still runs") });
  });

  it("does nothing by itself while the machine runs", async () => {
    const { code, out, asked } = await down({ vms: [], isDone: true }, "--when-stopping");
    expect({ code, asked }).toEqual({ code: 0, asked: [] });
    expect(out).toContain("does not shut down");
  });
});
