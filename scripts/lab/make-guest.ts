/**
 * Makes the small Linux guest of the tests and the quickstart: `node make-guest.ts FOLDER`.
 *
 * Responsible for: FOLDER/vmlinux (Debian's cloud kernel, unpacked: it boots in under two seconds
 * without KVM) and FOLDER/initramfs (busybox, a static program that counts, virtio modules).
 * How: from Debian packages, through apt and dpkg-deb; the kernel package is unpacked, not installed.
 * Does nothing when both files are there and made by this recipe; prints their paths as JSON in
 * either case.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { unpackKernel } from "./unpack-kernel.ts";

const here = import.meta.dirname;
const PACKAGES: Readonly<Record<string, string>> = {
  gcc: "gcc",
  cpio: "cpio",
  lz4: "lz4",
  busybox: "busybox-static",
};
const APPLETS = [
  ...["sh", "mount", "insmod", "ip", "httpd", "cat", "ls", "grep", "sleep", "echo"],
  ...["acpid", "chmod", "mkdir", "poweroff"],
];
const MODULES = [
  ...["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"],
  ...["virtio_mmio", "virtio_blk", "failover", "net_failover", "virtio_net", "virtio_console"],
  ...["button", "evdev"],
];

function run(command: string, args: readonly string[], cwd?: string): string {
  const stdio = ["ignore", "pipe", "inherit"] as const;
  return execFileSync(command, args, { encoding: "utf8", stdio: [...stdio], ...(cwd && { cwd }) });
}

/** Installs the tools that are missing, and says so; only root can. */
function installTools(): void {
  const missing = Object.keys(PACKAGES).filter((tool) => findOnPath(tool) === undefined);
  const packages = missing.map((tool) => PACKAGES[tool] ?? tool);
  if (missing.includes("gcc") || !existsSync("/usr/include/stdio.h")) packages.push("libc6-dev");
  if (packages.length === 0) return;
  console.error(`make-guest: installing ${packages.join(" ")}`);
  run("apt-get", ["update", "-qq"]);
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages]);
}

function findOnPath(tool: string): string | undefined {
  const folders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, tool)).find((path) => existsSync(path));
}

/** Downloads and unpacks the cloud kernel's package; returns the folder with boot/ and lib/. */
function fetchKernel(folder: string): string {
  const depends = run("apt-cache", ["depends", "linux-image-cloud-amd64"]);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error("apt knows no cloud kernel: run `apt-get update`");
  run("apt-get", ["download", "-qq", "-o", "APT::Sandbox::User=root", name], folder);
  const [archive] = globSync("*.deb", { cwd: folder });
  run("dpkg-deb", ["-x", String(archive), "kernel"], folder);
  return join(folder, "kernel");
}

function makeInitramfs(folder: string, kernel: string): void {
  const root = join(folder, "root");
  for (const name of ["bin", "dev", "proc", "sys", "lib", "www"]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  copyFileSync(String(findOnPath("busybox")), join(root, "bin/busybox"));
  for (const applet of APPLETS) symlinkSync("busybox", join(root, "bin", applet));
  for (const path of globSync("lib/modules/**/*.ko", { cwd: kernel })) {
    if (MODULES.includes(basename(path, ".ko"))) {
      cpSync(join(kernel, path), join(root, "lib", basename(path)));
    }
  }
  for (const name of ["ticker", "web", "guest-agent"]) {
    run("gcc", ["-O2", "-static", "-s", "-o", join(root, name), join(here, `${name}.c`)]);
  }
  copyFileSync(join(here, "guest-init.sh"), join(root, "init"));
  chmodSync(join(root, "init"), 0o755);
  run("sh", ["-c", "find . | cpio --quiet -o -H newc >../initramfs"], root);
}

/** Makes the guest in `folder` unless it is there. */
function makeGuest(folder: string): { kernel: string; initrd: string } {
  const guest = { kernel: join(folder, "vmlinux"), initrd: join(folder, "initramfs") };
  const mark = join(folder, `made-by-${recipeDigest()}`);
  if ([guest.kernel, guest.initrd, mark].every((path) => existsSync(path))) return guest;
  installTools();
  mkdirSync(folder, { recursive: true });
  // Made aside and renamed, so that a second caller at the same time never sees half a guest.
  const aside = mkdtempSync(join(folder, "making-"));
  try {
    const kernel = fetchKernel(aside);
    const [image] = globSync("boot/vmlinuz-*", { cwd: kernel });
    writeFileSync(join(aside, "vmlinux"), unpackKernel(readFileSync(join(kernel, String(image)))));
    makeInitramfs(aside, kernel);
    for (const name of ["vmlinux", "initramfs"]) renameSync(join(aside, name), join(folder, name));
    for (const old of globSync(join(folder, "made-by-*"))) rmSync(old, { force: true });
    writeFileSync(mark, "");
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return guest;
}

/** Over all files that the guest is made from, this one included. */
function recipeDigest(): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(here).sort()) hash.update(readFileSync(join(here, name)));
  return hash.digest("hex").slice(0, 8);
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node make-guest.ts FOLDER");
  process.exitCode = 2;
} else {
  console.log(JSON.stringify(makeGuest(resolve(folder))));
}
