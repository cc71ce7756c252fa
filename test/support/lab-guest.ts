import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";

const LAB = resolve(import.meta.dirname, "../../scripts/lab");
const MAKE_GUEST = join(LAB, "make-guest.ts");
/** Made once on a machine: it takes half a minute, and all tests only read it. A new recipe, a new guest. */
export const labGuestFolder = join(tmpdir(), `evenkeel-lab-guest-${recipeDigest()}`);
/** The least that the unpacked Debian kernel boots in, and a little for the guest's work. */
const MEMORY_BYTES = 96 << 20;
const CONSOLE = "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable";

export interface LabGuest {
  readonly kernel: string;
  readonly initrd: string;
}

/** The small guest's files, made on first use. */
export function labGuest(): LabGuest {
  const output = execFileSync(process.execPath, [MAKE_GUEST, labGuestFolder], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(output);
}

/** What the guest does: see scripts/lab/ticker.c. */
export interface LabWork {
  readonly dirtyMiB?: number;
  readonly ratePages?: number;
  readonly loadMs?: number;
}

export function labSpec(vm: VmName, guest: LabGuest, work: LabWork = {}): VmSpec {
  const { dirtyMiB = 8, ratePages = 50, loadMs = 0 } = work;
  const cmdline = `${CONSOLE} dirty=${dirtyMiB} rate=${ratePages} load=${loadMs}`;
  return {
    name: vm,
    vcpus: 1,
    memoryBytes: MEMORY_BYTES,
    machine: "microvm",
    kernel: { path: guest.kernel, initrd: guest.initrd, cmdline },
    disks: [],
    network: { kind: "none" },
    policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
  };
}

/** The kernel of a service's template: the lab guest's files with their digests. */
export function labKernelTemplate(cmdline: string) {
  const { kernel: path, initrd } = labGuest();
  return {
    path,
    sha256: digestOf(path),
    initrd: { path: initrd, sha256: digestOf(initrd) },
    cmdline,
  };
}

function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function recipeDigest(): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(LAB).sort()) hash.update(readFileSync(join(LAB, name)));
  return hash.digest("hex").slice(0, 8);
}
