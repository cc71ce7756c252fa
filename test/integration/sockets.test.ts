/**
 * The two sockets of a live agent, with curl as an admin uses them: reading, server-sent events,
 * the page for Prometheus, and a reading socket that takes no verb.
 */
import { execFile, spawn } from "node:child_process";
import { statSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentFleet } from "../support/agent-fleet.ts";
import { eventually } from "../support/eventually.ts";

const run = promisify(execFile);
let fleet: AgentFleet;

beforeAll(async () => {
  fleet = new AgentFleet({ count: 2, network: "loopback" });
  await fleet.startAll();
  await fleet.joined();
});

afterAll(() => fleet?.close());

/** The body that curl prints, and the status. */
async function curl(socket: string, path: string, ...options: string[]) {
  const format = "\n%{http_code} %{content_type}";
  const words = ["-sS", "--max-time", "20", "-w", format, "--unix-socket", socket, ...options];
  const { stdout } = await run("curl", [...words, `http://localhost${path}`]);
  const end = stdout.lastIndexOf("\n");
  const [status = "", type = ""] = stdout.slice(end + 1).split(" ");
  return { body: stdout.slice(0, end), status: Number(status), type };
}

describe("the sockets of an agent", () => {
  it.each([
    ["/v1/status", "members"],
    ["/v1/members", "members"],
    ["/v1/vms", "vms"],
    ["/v1/services", "services"],
    ["/v1/history", "history"],
    ["/v1/plan", "moves"],
    ["/v1/moves", "moves"],
  ])("curl --unix-socket … http://localhost%s answers JSON on both", async (path, field) => {
    const { socketPath, readSocketPath } = fleet.host(1);
    for (const socket of [socketPath, readSocketPath]) {
      const answer = await curl(socket, path);
      expect(answer).toMatchObject({ status: 200, type: "application/json" });
      expect(Array.isArray(JSON.parse(answer.body)[field])).toBe(true);
    }
  });

  it("members are listed with name and state", async () => {
    const { body } = await curl(fleet.host(1).readSocketPath, "/v1/members");
    expect(JSON.parse(body).members).toMatchObject([
      { name: "n1", state: "alive", self: true },
      { name: "n2", state: "alive", self: false },
    ]);
  });

  it("/metrics is Prometheus text with its help and types", async () => {
    const { body, status, type } = await curl(fleet.host(1).readSocketPath, "/metrics");
    expect({ status, type }).toEqual({ status: 200, type: "text/plain;" });
    expect(body).toMatch(/^# HELP evenkeel_members /m);
    expect(body).toMatch(/^# TYPE evenkeel_members gauge$/m);
    expect(body).toMatch(/^evenkeel_members\{state="alive"\} 2$/m);
    for (const line of body.split("\n")) {
      expect(line).toMatch(/^$|^# (HELP|TYPE) \w+ |^\w+(\{[^}]*\})? [-+.0-9eNaInf]+$/);
    }
  });

  it("events come as server-sent events while they happen", async () => {
    const { readSocketPath, socketPath } = fleet.host(1);
    const words = ["-sSN", "--unix-socket", readSocketPath, "http://localhost/v1/events"];
    const follower = spawn("curl", words, { stdio: ["ignore", "pipe", "inherit"] });
    let heard = "";
    follower.stdout.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
    });
    try {
      await eventually("the stream is open", async () => heard.includes(": evenkeel events"));
      expect((await curl(socketPath, "/v1/mode", "-d", '{"mode":"act"}')).status).toBe(200);
      await eventually("an event came", async () => /^data: \{.*\}$/m.test(heard));
      const data = /^id: \d+\nevent: notice\ndata: (\{.*\})$/m.exec(heard)?.[1] ?? "{}";
      expect(Object.keys(JSON.parse(data))).toEqual(
        expect.arrayContaining(["at", "level", "code", "message"]),
      );
    } finally {
      follower.kill("SIGKILL");
      await curl(socketPath, "/v1/mode", "-d", '{"mode":"hold"}');
    }
  });

  it("the reading socket refuses every verb and may be used by its group", async () => {
    const { readSocketPath, socketPath, api } = fleet.host(1);
    for (const path of ["/v1/mode", "/v1/hosts/n2/drain", "/v1/vms/web/migrate", "/v1/vms"]) {
      const { status, body } = await curl(readSocketPath, path, "-d", '{"mode":"act"}');
      expect({ path, status }).toEqual({ path, status: 403 });
      expect(body).toMatch(/evenkeel\.sock/);
    }
    expect((await api.status()).mode).toBe("hold");
    expect(statSync(readSocketPath).mode & 0o777).toBe(0o660);
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  });

  it("answers what is not there with 404 and what is not allowed with 405, in one line", async () => {
    const { socketPath } = fleet.host(1);
    expect(await curl(socketPath, "/v1/nothing")).toMatchObject({ status: 404 });
    expect(await curl(socketPath, "/v1/status", "-X", "DELETE")).toMatchObject({ status: 405 });
    expect(await curl(socketPath, "/v1/vms/nobody")).toMatchObject({ status: 404 });
  });
});
