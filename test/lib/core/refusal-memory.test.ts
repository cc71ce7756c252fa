import { describe, expect, it } from "vitest";
import { RefusalMemory } from "#lib/core/refusal-memory.ts";

const refusal = { vm: "web", to: "QmB", reason: "this host has no bridge br0", atMs: 1000 };

describe("RefusalMemory", () => {
  it("tells a passing refusal for a minute, and bars nobody for it", () => {
    const memory = new RefusalMemory();
    memory.note({ ...refusal, isLasting: false });
    expect(memory.last("web", "QmB", 31_000)).toBe("refused 30 s ago: this host has no bridge br0");
    expect(memory.barred(31_000).get("web")).toBeUndefined();
    expect(memory.last("web", "QmB", 61_000)).toBeNull();
    expect(memory.last("web", "QmC", 31_000)).toBeNull();
  });

  it("bars a host that cannot take the VM for five minutes, or until it did", () => {
    const memory = new RefusalMemory();
    memory.note({ ...refusal, isLasting: true });
    expect([...(memory.barred(200_000).get("web") ?? [])]).toEqual([
      ["QmB", "refused 199 s ago: this host has no bridge br0"],
    ]);
    expect(memory.barred(200_000).get("db")).toBeUndefined();
    expect(memory.barred(301_000).get("web")).toBeUndefined();
    memory.forget("web", "QmB");
    expect(memory.barred(2000).get("web")).toBeUndefined();
  });

  it("keeps a bounded number, the newest", () => {
    const memory = new RefusalMemory();
    for (let i = 0; i < 300; i += 1) {
      memory.note({ ...refusal, to: `Qm${i}`, atMs: i, isLasting: true });
    }
    expect(memory.barred(300).get("web")?.size).toBe(256);
    expect(memory.last("web", "Qm0", 300)).toBeNull();
    expect(memory.last("web", "Qm299", 300)).not.toBeNull();
  });
});
