import { describe, expect, it } from "vitest";
import { lockFinding } from "#agent/cli/doctor/check-libvirt.ts";

describe("lockFinding", () => {
  it("warns where nothing keeps a disk from two guests", () => {
    expect(JSON.stringify(lockFinding('#lock_manager = "lockd"\n'))).toMatch(/no lock manager/);
    expect(JSON.stringify(lockFinding(""))).toMatch(/virtlockd/);
  });

  it("names the one that does", () => {
    expect(JSON.stringify(lockFinding('lock_manager = "sanlock"\n'))).toMatch(/by sanlock/);
  });
});
