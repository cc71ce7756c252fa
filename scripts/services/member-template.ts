import { MEMBER_WEB } from "./demo-plan.ts";

const CONSOLE = "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable net=1";

/** Behind QEMU's user network every guest has this address. */
export const USER_NETWORK_GUEST = "10.0.2.15";
export const GUEST_PORT = 80;
export const HEALTH_PATH = "/health";

/** What each member is made of, but for files and network. */
export const MEMBER_MACHINE = { memory: "96MiB", machine: "q35" } as const;

/** Kernel command line of a guest that serves at this address. */
export function memberCmdline(guestAddress: string): string {
  const { answerMs, atOnce } = MEMBER_WEB;
  return `${CONSOLE} gip=${guestAddress} web=${answerMs},${atOnce}`;
}
