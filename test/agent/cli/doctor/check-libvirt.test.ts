import { describe, expect, it } from "vitest";
import { lockFinding, nameFinding } from "#agent/cli/doctor/check-libvirt.ts";

describe("lockFinding", () => {
  it("warns where nothing keeps a disk from two guests", () => {
    expect(JSON.stringify(lockFinding('#lock_manager = "lockd"\n'))).toMatch(/no lock manager/);
    expect(JSON.stringify(lockFinding(""))).toMatch(/virtlockd/);
  });

  it("names the one that does", () => {
    expect(JSON.stringify(lockFinding('lock_manager = "sanlock"\n'))).toMatch(/by sanlock/);
  });
});

describe("nameFinding", () => {
  it("finds nothing where libvirtd knows its host's name at once", () => {
    expect(nameFinding("host-a", 12)).toMatchObject({ level: "ok", remedy: "" });
    expect(nameFinding("host-a", -30).level).toBe("ok");
  });

  it("fails with the line for /etc/hosts where a name server is waited for", () => {
    const slow = nameFinding("host-a", 10_030);
    expect(slow).toMatchObject({ level: "fail", remedy: expect.stringMatching(/\/etc\/hosts$/) });
    expect(slow.detail).toMatch(/waits 10\.0 s .* own name/);
    expect(nameFinding(null, 10_001).level).toBe("fail");
  });
});
