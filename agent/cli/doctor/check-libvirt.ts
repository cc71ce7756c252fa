import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { commandAs } from "./agent-user.ts";
import { type Check, type Finding, fail, ok, warn, wordsOf } from "./finding.ts";

const run = promisify(execFile);

const ANSWER_WAIT_MS = 10_000;
/** Far more than a question takes; a name server that does not answer is waited for 5 s and longer. */
const NAME_MS_MAX = 1000;
const QEMU_SETTINGS = "/etc/libvirt/qemu.conf";

type Asking = (command: string) => Promise<string>;

/**
 * With the driver libvirt: does its daemon answer the agent, does it know its own host's name, and
 * does anything keep a disk from two guests?
 */
export const checkLibvirt: Check = async ({ config, agentUser }) => {
  const { driver, uri } = config.hypervisor;
  if (driver !== "libvirt") return [];
  const ask: Asking = (command) =>
    answer(commandAs(agentUser, ["virsh", "-q", "-c", uri, command]));
  try {
    const stdout = await ask("version");
    const found = /Running hypervisor: (.*)/.exec(stdout)?.[1] ?? "an unknown hypervisor";
    const answers = ok("libvirt", `${uri} answers: ${found}`);
    return [answers, await checkHostName(ask), lockFinding(readSettings())];
  } catch (error) {
    const detail = `${uri}: ${lastLine(error)}`;
    const name = agentUser?.name ?? "evenkeel";
    const remedy =
      "apt-get install libvirt-daemon-system libvirt-clients; systemctl start libvirtd; run the " +
      `agent as root, or usermod -aG libvirt ${name}, then systemctl restart evenkeel`;
    return [fail("libvirt", detail, remedy)];
  }
};

async function answer([file = "", ...args]: readonly string[]): Promise<string> {
  const options = {
    timeout: ANSWER_WAIT_MS,
    env: { LC_ALL: "C", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  };
  return (await run(file, args, options)).stdout;
}

/** Timed beside another question, so that a busy daemon is not taken for a silent name server. */
async function checkHostName(ask: Asking): Promise<Finding> {
  const beganMs = performance.now();
  await ask("version");
  const askedMs = performance.now();
  const name = await ask("hostname").catch(() => null);
  const nameMs = performance.now() - askedMs;
  return nameFinding(name?.trim() ?? null, nameMs - (askedMs - beganMs));
}

/**
 * `name`: what libvirtd takes for its host's, null when it did not say in time. A name
 * without a dot it looks up in each step of a migration, whatever it is told: six times (libvirt
 * 9.0, for the cookie that both daemons exchange), four of them before the first byte, two paused.
 */
export function nameFinding(name: string | null, tookMs: number): Finding {
  const check = "libvirt host name";
  if (name !== null && tookMs <= NAME_MS_MAX) return ok(check, `${name}, known at once`);
  const seconds = (tookMs / 1000).toFixed(1);
  return fail(
    check,
    `libvirtd waits ${seconds} s for a name server to resolve this host's own name, several times in each move: moves are given up, or their guests stand still`,
    'echo "127.0.1.1 $(hostname)" >> /etc/hosts',
  );
}

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

function lastLine(error: unknown): string | undefined {
  return wordsOf(error).trim().split("\n").at(-1);
}
