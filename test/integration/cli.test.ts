import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { apiFixture } from "../support/api-fixture.ts";
import { MOVE_ID } from "../support/snapshot-fixture.ts";

/** The command as a process of its own, with what it prints. */
function start(...words: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, ["agent/cli.ts", ...words]);
  onTestFinished(() => void child.kill("SIGKILL"));
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  const end = once(child, "close").then(([code, signal]) => ({ code, signal, out, err }));
  return { child, end };
}

describe("agent/cli.ts", () => {
  it("prints to standard output without colours and ends with 0", async () => {
    const { socketPath } = await apiFixture();
    const { code, out, err } = await start("--socket", socketPath, "members").end;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^NAME .*\nhost-a /);
    expect(out).not.toContain("\u001b");
  });

  it("tells failures on standard error, with their codes", async () => {
    const unreachable = await start("--socket", "/none.sock", "members").end;
    expect(unreachable).toMatchObject({ code: 3, out: "" });
    expect(unreachable.err).toMatch(/^evenkeel: cannot reach the agent at \/none\.sock.*\n$/);
    expect(await start("bogus").end).toMatchObject({ code: 2, out: "" });
  });

  it("takes a closed pipe for the end of the reader's interest", async () => {
    const { socketPath } = await apiFixture();
    const { child, end } = start("--socket", socketPath, "status");
    child.stdout?.destroy();
    expect(await end).toMatchObject({ code: 0, signal: null, err: "" });
  });

  it("ends on ^C without cancelling the move, and says so", async () => {
    const { socketPath, view } = await apiFixture();
    view.answer = () => ({ status: 202, message: "", data: null, moveId: MOVE_ID });
    const { child, end } = start("--socket", socketPath, "migrate", "web-3", "host-b");
    if (child.stdout) await once(child.stdout, "data");
    child.kill("SIGINT");
    const { code, signal, err } = await end;
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(err).toContain("the move of web-3 goes on");
    expect(view.asked.map(({ verb }) => verb)).toEqual(["migrate"]);
  });

  it("follows events until ^C, which is no failure there", async () => {
    const { socketPath, view } = await apiFixture();
    view.notify("web-1 moved");
    const { child, end } = start("--socket", socketPath, "events", "--recent", "1");
    if (child.stdout) await once(child.stdout, "data");
    child.kill("SIGINT");
    expect(await end).toMatchObject({ code: 0, signal: null, err: "" });
  });
});
