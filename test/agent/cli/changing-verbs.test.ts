import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { apiFixture, temporaryDirectory } from "../../support/api-fixture.ts";
import { runCli } from "../../support/run-cli.ts";
import { HOST_B, HOST_C } from "../../support/snapshot-fixture.ts";

describe("verbs that are one request", () => {
  it.each([
    { words: ["act"], verb: { verb: "mode", mode: "act" } },
    { words: ["hold"], verb: { verb: "mode", mode: "hold" } },
    { words: ["undrain", "host-b"], verb: { verb: "undrain", host: HOST_B } },
    { words: ["drain", "host-b", "--no-wait"], verb: { verb: "drain", host: HOST_B } },
    {
      words: ["migrate", "web-1", "host-b", "--no-wait"],
      verb: { verb: "migrate", vm: "web-1", target: HOST_B },
    },
    { words: ["cancel", "web-1"], verb: { verb: "cancel", vm: "web-1" } },
    { words: ["suspend", "web-1"], verb: { verb: "suspend", vm: "web-1" } },
    { words: ["resume", "web-1"], verb: { verb: "resume", vm: "web-1" } },
    { words: ["vm", "start", "web-1"], verb: { verb: "start", vm: "web-1" } },
    { words: ["vm", "stop", "web-1"], verb: { verb: "stop", vm: "web-1", force: false } },
    { words: ["vm", "stop", "--force", "web-1"], verb: { verb: "stop", vm: "web-1", force: true } },
    {
      words: ["vm", "set", "web-1", "pin=host-b", "anti-affinity=none", "shutdown=suspend"],
      verb: {
        ...{ verb: "set", vm: "web-1" },
        change: { pin: "host-b", antiAffinityGroup: null, shutdown: "suspend" },
      },
    },
    { words: ["vm", "undefine", "web-1"], verb: { verb: "undefine", vm: "web-1" } },
    {
      words: ["move", "resolve", "web-1", "--run-here", "--fenced", "host-c"],
      verb: { verb: "resolve", vm: "web-1", decision: "run-here", fenced: HOST_C },
    },
    {
      words: ["move", "resolve", "web-1", "--discard", "--fenced", "host-c"],
      verb: { verb: "resolve", vm: "web-1", decision: "discard", fenced: HOST_C },
    },
  ])("ask the agent: $words", async ({ words, verb }) => {
    const { socketPath, view } = await apiFixture();
    const { code, out, err } = await runCli(["--socket", socketPath, ...words]);
    expect({ code, out, err }).toEqual({ code: 0, out: "done", err: "" });
    expect(view.asked).toEqual([verb]);
  });

  it("print the whole answer as JSON", async () => {
    const { socketPath } = await apiFixture();
    const { out } = await runCli(["--socket", socketPath, "--json", "act"]);
    expect(JSON.parse(out)).toEqual({ status: 200, message: "done", moveId: null, data: null });
  });

  it("tell a refusal in the agent's words and fail", async () => {
    const { socketPath, view } = await apiFixture();
    const message = "web-1 has an unfinished move: cancel it first";
    view.answer = () => ({ status: 409, message, data: null, moveId: null });
    const { code, out, err } = await runCli(["--socket", socketPath, "suspend", "web-1"]);
    expect({ code, out, err }).toEqual({ code: 1, out: "", err: `evenkeel: ${message}` });
  });

  it.each([
    { words: ["pin"], says: '"pin" sets nothing: write NAME=VALUE' },
    { words: ["colour=red"], says: '"colour" is no setting: there are managed, pin' },
    { words: ["shutdown=reboot"], says: 'shutdown: "reboot" is not one of off, suspend' },
    { words: ["pin=host-b", "pin=host-c"], says: "pin is given twice" },
  ])("refuse a rule that cannot be at the door: $words", async ({ words, says }) => {
    const { socketPath, view } = await apiFixture();
    const { code, err } = await runCli(["--socket", socketPath, "vm", "set", "web-1", ...words]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(says) });
    expect(view.asked).toEqual([]);
  });

  it("name the hosts there are when a VM is pinned to none of them", async () => {
    const { socketPath, view } = await apiFixture();
    const words = ["--socket", socketPath, "vm", "set", "web-1", "pin=host-x"];
    const { code, err } = await runCli(words);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("host-b") });
    expect(view.asked).toEqual([]);
  });

  it("encode what an operator types into the path", async () => {
    const { socketPath, view } = await apiFixture();
    const { code, err } = await runCli(["--socket", socketPath, "cancel", "../mode"]);
    expect(code).toBe(1);
    expect(err).toContain('"../mode" is no VM name');
    expect(view.asked).toEqual([]);
  });
});

describe("evenkeel vm define", () => {
  it("sends the file and names it with the line of a fault", async () => {
    const { socketPath, view, directory } = await apiFixture();
    const file = join(directory, "web.yaml");
    writeFileSync(file, "name: web-9\nmemory: 64MiB\nkernel: {path: /srv/vmlinux}\n");
    expect((await runCli(["--socket", socketPath, "vm", "define", file])).code).toBe(0);
    expect(view.asked).toMatchObject([{ verb: "define", spec: { name: "web-9" } }]);
    writeFileSync(file, "name: web-9\nmemry: 64MiB\n");
    const { code, err } = await runCli(["--socket", socketPath, "vm", "define", file]);
    expect(code).toBe(1);
    expect(err).toContain(`${file}: VM spec: line 2: memry: unknown key`);
    expect(err.split("\n")).toHaveLength(1);
  });

  it.each([
    ["that is not there", "missing.yaml", /cannot read the VM spec .*missing\.yaml: ENOENT/],
    ["that is a directory", ".", /cannot read the VM spec .*EISDIR/],
    ["that is huge", "big.yaml", /larger than 65536 bytes/],
  ])("names a file %s", async (_, name, words) => {
    const { socketPath, directory } = await apiFixture();
    writeFileSync(join(directory, "big.yaml"), "x".repeat(100_000));
    const { code, err } = await runCli([
      "--socket",
      socketPath,
      "vm",
      "define",
      join(directory, name),
    ]);
    expect(code).toBe(1);
    expect(err).toMatch(words);
  });
});

describe("evenkeel key", () => {
  it("makes a key for its owner alone, and tells it by its fingerprint", async () => {
    const file = join(temporaryDirectory(), "cluster.key");
    const made = await runCli(["key", "generate", "--out", file, "--json"]);
    expect(made.code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toMatch(
      /^evenkeel-key-v1 [0-9a-f]{8} [A-Za-z0-9+/]{43}=\n$/,
    );
    const shown = await runCli(["key", "fingerprint", file, "--json"]);
    expect(JSON.parse(shown.out)).toEqual(JSON.parse(made.out));
    const line = await runCli(["key", "fingerprint", file]);
    expect(line.out).toBe(
      `${JSON.parse(made.out).fingerprint}  ${JSON.parse(made.out).id}  ${file}`,
    );
  });

  it("never writes over a file", async () => {
    const file = join(temporaryDirectory(), "cluster.key");
    writeFileSync(file, "mine");
    const { code, err } = await runCli(["key", "generate", "--out", file]);
    expect(code).toBe(1);
    expect(err).toContain(file);
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  it("names a key file that is missing, and the option that is", async () => {
    const missing = await runCli(["key", "fingerprint", join(temporaryDirectory(), "gone.key")]);
    expect(missing.code).toBe(1);
    expect(missing.err).toContain("gone.key");
    const unsaid = await runCli(["key", "generate"]);
    expect(unsaid.code).toBe(2);
    expect(unsaid.err).toContain("--out <file>");
  });
});
