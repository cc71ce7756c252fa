import { chmodSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { verbs } from "#agent/cli/verbs.ts";
import { apiFixture, temporaryDirectory } from "../../support/api-fixture.ts";
import { runCli } from "../../support/run-cli.ts";

describe("runCommand()", () => {
  it.each([
    [[]],
    [["bogus"]],
    [["drain"]],
    [["members", "extra"]],
    [["members", "--bogus"]],
    [["vm"]],
    [["vm", "bogus"]],
    [["migrate", "web-1"]],
    [["move", "resolve", "web-1"]],
    [["move", "resolve", "web-1", "--fenced", "host-c"]],
    [["move", "resolve", "web-1", "--fenced", "host-c", "--run-here", "--discard"]],
    [["members", "--socket"]],
  ])("ends with 2 when written wrongly: %j", async (words) => {
    const { code, out, err } = await runCli(words);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).not.toBe("");
  });

  it.each(["members", "act", "explain x", "drain x", "migrate x y", "events"])(
    "ends with 3 and one line with a remedy when no agent answers: %s",
    async (words) => {
      const socket = join(temporaryDirectory(), "none.sock");
      const { code, out, err } = await runCli(["--socket", socket, ...words.split(" ")]);
      expect({ code, out }).toEqual({ code: 3, out: "" });
      expect(err).toBe(
        `evenkeel: cannot reach the agent at ${socket}: is evenkeel.service running? Try: systemctl status evenkeel, or evenkeel doctor`,
      );
    },
  );

  it("ends with 3 when the agent dies before its answer", async () => {
    const socketPath = join(temporaryDirectory(), "a.sock");
    const server = createServer((request) => request.socket.destroy()).listen(socketPath);
    onTestFinished(() => void server.close());
    const { code, err } = await runCli(["--socket", socketPath, "act"]);
    expect(code).toBe(3);
    expect(err).toContain("closed the connection before its answer");
  });

  it("ends with 1 when what answers is no agent", async () => {
    const socketPath = join(temporaryDirectory(), "a.sock");
    const server = createServer((_, response) => response.end("<html>")).listen(socketPath);
    onTestFinished(() => void server.close());
    const { code, err } = await runCli(["--socket", socketPath, "members"]);
    expect(code).toBe(1);
    expect(err).toContain("without words");
  });

  it("takes the socket from EVENKEEL_SOCKET, and the option before it", async () => {
    const { socketPath } = await apiFixture();
    const environment = { EVENKEEL_SOCKET: socketPath };
    expect((await runCli(["members"], { environment })).code).toBe(0);
    expect((await runCli(["members", "--socket", "/none.sock"], { environment })).code).toBe(3);
  });

  it("reads by the read socket when the operator's is not there, but never acts by it", async () => {
    const { readSocketPath, directory } = await apiFixture();
    expect(existsSync(readSocketPath)).toBe(true);
    const gone = join(directory, "sub", "..", "evenkeel.sock.gone", "evenkeel.sock");
    expect((await runCli(["--socket", gone, "members"])).code).toBe(3);
    const { unlinkSync } = await import("node:fs");
    const socketPath = join(directory, "evenkeel.sock");
    unlinkSync(socketPath);
    expect((await runCli(["--socket", socketPath, "members"])).code).toBe(0);
    expect((await runCli(["--socket", socketPath, "act"])).code).toBe(3);
  });

  it.skipIf(userInfo().uid === 0)("says who may use a closed socket", async () => {
    const { socketPath } = await apiFixture();
    chmodSync(socketPath, 0);
    const { code, err } = await runCli(["--socket", socketPath, "act"]);
    expect(code).toBe(3);
    expect(err).toContain("sudo");
  });

  it("shows help with an example for every verb, and exits with 0", async () => {
    expect(verbs.length).toBeGreaterThan(20);
    for (const { usage, example } of verbs) {
      const words = usage.split(" ").filter((word) => !/^[<[]/.test(word));
      const { code, out } = await runCli([...words, "--help"]);
      expect({ usage, code }).toEqual({ usage, code: 0 });
      expect(out).toContain(`Example:\n  ${example}`);
      expect(out).toContain("--json");
    }
  });

  it("shows all verbs and the exit codes in its own help", async () => {
    const { code, out } = await runCli(["--help"]);
    expect(code).toBe(0);
    for (const { usage } of verbs) expect(out).toContain(usage.split(" ")[0]);
    expect(out).toContain("3 no agent reached");
  });

  it("tells its version and the agent's, with or without one", async () => {
    const { socketPath } = await apiFixture();
    const here = await runCli(["--socket", socketPath, "version", "--json"]);
    expect(JSON.parse(here.out)).toMatchObject({ command: "0.1.0", agent: "0.1.0" });
    const alone = await runCli(["--socket", "/none.sock", "version"]);
    expect(alone).toMatchObject({ code: 0, out: expect.stringContaining("agent not reachable") });
  });
});
