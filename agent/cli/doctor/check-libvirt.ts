import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { type Check, type Finding, fail, ok, warn, wordsOf } from "./finding.ts";

const run = promisify(execFile);

const ANSWER_WAIT_MS = 10_000;
const QEMU_SETTINGS = "/etc/libvirt/qemu.conf";

/** With the driver libvirt: does its daemon answer, and does anything keep a disk from two guests? */
export const checkLibvirt: Check = async ({ config }) => {
  const { driver, uri } = config.hypervisor;
  if (driver !== "libvirt") return [];
  try {
    const options = {
      timeout: ANSWER_WAIT_MS,
      env: { LC_ALL: "C", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    };
    const { stdout } = await run("virsh", ["-q", "-c", uri, "version"], options);
    const found = /Running hypervisor: (.*)/.exec(stdout)?.[1] ?? "an unknown hypervisor";
    return [ok("libvirt", `${uri} answers: ${found}`), lockFinding(readSettings())];
  } catch (error) {
    const detail = `${uri}: ${wordsOf(error).trim().split("\n").at(-1)}`;
    const remedy =
      "apt-get install libvirt-daemon-system libvirt-clients; systemctl start libvirtd; run the " +
      "agent as root or with the group libvirt";
    return [fail("libvirt", detail, remedy)];
  }
};

/** `settings`: the text of libvirt's qemu.conf, empty when it cannot be read. */
export function lockFinding(settings: string): Finding {
  const manager = /^\s*lock_manager\s*=\s*"([^"]+)"/m.exec(settings)?.[1];
  if (manager !== undefined) return ok("libvirt locks", `disks are locked by ${manager}`);
  return warn(
    "libvirt locks",
    "no lock manager: two guests that somebody starts by hand on two hosts may share one disk",
    `lock_manager = "lockd" in ${QEMU_SETTINGS}, with virtlockd on shared storage`,
  );
}

function readSettings(): string {
  try {
    return readFileSync(QEMU_SETTINGS, "utf8");
  } catch {
    return "";
  }
}
