import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const MAKER = join(import.meta.dirname, "make-guest.ts");
/** Where demonstrations keep the guest from one run to the next. */
export const DEMO_GUEST_FOLDER = resolve(
  import.meta.dirname,
  "../../node_modules/.cache/evenkeel-guest",
);
/** QEMU before this corrupts guests that move without KVM. */
const QEMU_MAJOR_MIN = 9;

/** Kernel and initrd of real guests. */
export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
}

/** The small Linux guest, made on first use. Throws, in one line, where it cannot be run or made. */
export async function guestImage(folder = DEMO_GUEST_FOLDER): Promise<GuestImage> {
  const run = promisify(execFile);
  const { stdout: version } = await run("qemu-system-x86_64", ["--version"]);
  const major = Number(/version (\d+)\./.exec(version)?.[1] ?? 0);
  if (major < QEMU_MAJOR_MIN) throw new Error(`QEMU ${major} is older than ${QEMU_MAJOR_MIN}`);
  const { stdout } = await run(process.execPath, [MAKER, folder]);
  return JSON.parse(stdout);
}
