import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { agentUser, commandAs } from "#agent/cli/doctor/agent-user.ts";
import { userFindings } from "#agent/cli/doctor/check-user.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const root = { uid: 0, gid: 0, groups: [0], name: "root", isUnit: true };
/** Nobody's numbers. */
const own = { uid: 64_100, gid: 64_100, groups: [64_100], name: "evenkeel", isUnit: true };
const isRoot = process.getuid?.() === 0;

/** QEMU's folder and KVM as on a host, of root's group. */
function places() {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  const [qemu, kvm] = [join(folder, "qemu"), join(folder, "kvm")];
  mkdirSync(qemu, { mode: 0o750 });
  writeFileSync(kvm, "");
  chmodSync(kvm, 0o660);
  return { folder: qemu, kvm };
}

describe("userFindings()", () => {
  it("takes root for every driver, and says where libvirt asks for less", () => {
    expect(userFindings({ driver: "qemu" }, root)).toMatchObject([{ level: "ok" }]);
    const [finding] = userFindings({ driver: "libvirt" }, root);
    expect(finding).toMatchObject({
      level: "ok",
      detail: expect.stringContaining("own-user.conf"),
    });
  });

  it("fails where the unit runs the qemu driver without root", () => {
    const [finding] = userFindings({ driver: "auto" }, own);
    expect(finding).toMatchObject({ check: "user", level: "fail" });
    expect(finding?.remedy).toContain("hypervisor.driver: libvirt");
    expect(userFindings({ driver: "qemu" }, { ...own, isUnit: false })[0]?.level).toBe("warn");
  });

  it.runIf(isRoot)("names each group that is missing, and how to mend it", () => {
    const lacking = userFindings({ driver: "libvirt" }, own, places());
    expect(lacking.map(({ level, remedy }) => ({ level, remedy }))).toEqual([
      { level: "fail", remedy: "usermod -aG root evenkeel, then systemctl restart evenkeel" },
      { level: "warn", remedy: "usermod -aG root evenkeel, then systemctl restart evenkeel" },
    ]);
    const member = { ...own, groups: [64_100, 0] };
    expect(userFindings({ driver: "libvirt" }, member, places())).toMatchObject([{ level: "ok" }]);
  });
});

describe("commandAs()", () => {
  it("drops all rights for another user, and changes nothing for none", () => {
    expect(commandAs(null, ["virsh"])).toEqual(["virsh"]);
    expect(commandAs(root, ["virsh"])).toEqual(["virsh"]);
    if (isRoot) expect(commandAs(own, ["virsh"])).toContain("--bounding-set=-all");
  });
});

describe("agentUser()", () => {
  it("is whom the socket belongs to, and nobody where there is none", () => {
    const socket = join(temporaryFolder(), "evenkeel.sock");
    expect(agentUser(socket)).toBeNull();
    writeFileSync(socket, "");
    expect(agentUser(socket)).toMatchObject({ uid: process.getuid?.(), isUnit: false });
  });
});
