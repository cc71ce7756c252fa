import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { HypervisorError } from "#agent/hypervisor/hypervisor-error.ts";
import { named } from "#agent/hypervisor/named-error.ts";

describe("named()", () => {
  it("turns what the file system threw into STORAGE with the VM, the path and the remedy", async () => {
    await expect(named("web-1", () => readFile("/nowhere"))).rejects.toMatchObject({
      code: "STORAGE",
      message: expect.stringMatching(/^VM web-1: ENOENT.*see to \/nowhere$/),
      cause: { code: "ENOENT" },
    });
  });

  it("asks for space where the disk is full", async () => {
    const full = Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC", path: "/s" });
    await expect(named("web-1", () => Promise.reject(full))).rejects.toMatchObject({
      message: expect.stringMatching(/free space at \/s$/),
    });
  });

  it("passes on our own errors and bugs as they are", async () => {
    const own = new HypervisorError("x", { code: "VM_STATE" });
    await expect(named("web-1", () => Promise.reject(own))).rejects.toBe(own);
    const bug = new TypeError("x is undefined");
    await expect(named("web-1", () => Promise.reject(bug))).rejects.toBe(bug);
  });
});
