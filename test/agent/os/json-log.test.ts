import { describe, expect, it } from "vitest";
import { JsonLog } from "#agent/os/json-log.ts";

function makeLog(options: Partial<ConstructorParameters<typeof JsonLog>[0]> = {}) {
  const lines: string[] = [];
  const output = { write: (line: string) => lines.push(line) };
  return { lines, log: new JsonLog({ level: "info", ...options, output }) };
}

describe("JsonLog", () => {
  it("writes one JSON line a record, with the level's name and readable time", () => {
    const { lines, log } = makeLog({ base: { host: "host-a" } });
    log.write("warn", "two\nlines", { vm: "web-1", moves: 2 });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toContain("\n");
    const record = JSON.parse(lines[0] ?? "");
    expect(record).toMatchObject({
      level: "warn",
      host: "host-a",
      vm: "web-1",
      moves: 2,
      msg: "two\nlines",
    });
    expect(record.time).toMatch(/^\d{4}-\d{2}-\d{2}T.*Z$/);
  });

  it("drops what is below its level", () => {
    const { lines, log } = makeLog({ level: "warn" });
    log.write("debug", "a");
    log.write("info", "b");
    log.write("error", "c");
    expect(lines).toHaveLength(1);
  });

  it("keeps an error's code and the chain of its causes", () => {
    const { lines, log } = makeLog();
    const cause = Object.assign(new Error("inner"), { code: "ENOSPC" });
    log.write("error", "failed", { error: new TypeError("outer", { cause }) });
    expect(JSON.parse(lines[0] ?? "").error).toMatchObject({
      name: "TypeError",
      message: "outer",
      cause: { message: "inner", code: "ENOSPC" },
    });
  });

  it("survives facts that cannot be written", () => {
    const { lines, log } = makeLog();
    const round: Record<string, unknown> = {};
    round["self"] = round;
    const looped = new Error("loop");
    looped.cause = looped;
    log.write("info", "odd", { round, looped, level: "mine", msg: "mine", big: 1 });
    const record = JSON.parse(lines[0] ?? "");
    expect(record).toMatchObject({ level: "info", msg: "odd", level_: "mine", msg_: "mine" });
  });
});
