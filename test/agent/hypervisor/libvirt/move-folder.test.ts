import { chmodSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LibvirtSettings } from "#agent/hypervisor/libvirt/libvirt-options.ts";
import { placeObjection, sourcePlace } from "#agent/hypervisor/libvirt/move-folder.ts";
import { agentFolder, libvirtFolder } from "#agent/hypervisor/libvirt/move-paths.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

function scene() {
  const hostRoot = temporaryFolder();
  mkdirSync(join(hostRoot, libvirtFolder), { recursive: true });
  const settings = { hostRoot } as unknown as LibvirtSettings;
  return { settings, folder: join(hostRoot, agentFolder), libvirt: join(hostRoot, libvirtFolder) };
}

describe("sourcePlace()", () => {
  it("is libvirt's folder where the agent may write in it", async () => {
    const { settings, libvirt } = scene();
    expect(await sourcePlace(settings)).toBe("libvirt");
    rmSync(libvirt, { recursive: true });
    expect(await sourcePlace(settings)).toBe("agent");
  });
});

describe("placeObjection()", () => {
  it("is null for a folder that it can make, open to QEMU's group and to nobody else", async () => {
    const { settings, folder, libvirt } = scene();
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(libvirt, 12_345, 12_346);
    for (const _ of ["made", "there already"]) {
      expect(await placeObjection(settings, "agent")).toBeNull();
      expect(statSync(folder).mode & 0o7777).toBe(0o770);
      expect(statSync(folder).gid).toBe(statSync(libvirt).gid);
      chmodSync(folder, 0o777);
    }
    expect(await placeObjection(settings, "libvirt")).toBeNull();
  });

  it.runIf(process.getuid?.() === 0)("takes no folder of another user", async () => {
    const { settings, folder } = scene();
    mkdirSync(folder, { recursive: true });
    chownSync(folder, 12_345, 0);
    expect(await placeObjection(settings, "agent")).toContain(`rm -r ${agentFolder}`);
  });

  it("names what stands in the way, with the remedy", async () => {
    const { settings, folder, libvirt } = scene();
    mkdirSync(join(folder, "../.."), { recursive: true });
    writeFileSync(join(folder, ".."), "");
    expect(await placeObjection(settings, "agent")).toContain("let systemd start the agent");
    rmSync(libvirt, { recursive: true });
    expect(await placeObjection(settings, "libvirt")).toContain(
      "usermod -aG libvirt-qemu evenkeel",
    );
  });
});
