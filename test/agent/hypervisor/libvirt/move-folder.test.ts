import {
  chmodSync,
  chownSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { LibvirtSettings } from "#agent/hypervisor/libvirt/libvirt-options.ts";
import { openToQemu, placeObjection, sourcePlace } from "#agent/hypervisor/libvirt/move-folder.ts";
import { agentFolder, libvirtFolder } from "#agent/hypervisor/libvirt/move-paths.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

function scene() {
  const hostRoot = temporaryFolder();
  mkdirSync(join(hostRoot, libvirtFolder), { recursive: true });
  const settings = { hostRoot } as unknown as LibvirtSettings;
  return { settings, folder: join(hostRoot, agentFolder), libvirt: join(hostRoot, libvirtFolder) };
}

describe("openToQemu()", () => {
  it("opens a socket, and nothing that a link leads to", async () => {
    const folder = temporaryFolder();
    const [socket, secret, link] = ["s.sock", "secret", "link"].map((name) => join(folder, name));
    if (!socket || !secret || !link) throw new Error("three paths");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    onTestFinished(() => void server.close());
    writeFileSync(secret, "", { mode: 0o600 });
    symlinkSync(secret, link);
    chmodSync(socket, 0o600);
    for (const path of [socket, secret, link]) await openToQemu(path);
    expect(statSync(socket).mode & 0o777).toBe(0o666);
    expect(statSync(secret).mode & 0o777).toBe(0o600);
    await expect(openToQemu(join(folder, "none"))).rejects.toThrow("ENOENT");
  });
});

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
