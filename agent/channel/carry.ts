import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { PouringSocket } from "./pouring-socket.ts";
import { throttle } from "./throttle.ts";

/** Notices a peer that vanished without a word, when nothing flows that would show it. */
const KEEP_ALIVE_DELAY_MS = 10_000;

export interface Carried {
  /** From the hypervisor here into the network. */
  readonly sentBytes: number;
  /** From the network to the hypervisor here. */
  readonly receivedBytes: number;
}

/**
 * Leads `local` (the hypervisor's UNIX socket) and `remote` into each other until both directions
 * have ended. One direction may end long before the other: QEMU's return path still speaks when
 * the source has sent all. Rejects when either side fails, and then breaks both, so that the
 * hypervisor sees a broken stream and never a clean end of half a guest.
 */
export function carry(local: Socket, remote: TLSSocket, bytesPerSecond: number): Promise<Carried> {
  const ended = Promise.withResolvers<Carried>();
  remote.setNoDelay(true);
  remote.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  let open = 2;
  const closed = () => {
    open -= 1;
    if (open > 0) return;
    ended.resolve({ sentBytes: local.bytesRead, receivedBytes: local.bytesWritten });
  };
  const failed = (side: string) => (cause: Error) => {
    local.destroy();
    remote.destroy();
    ended.reject(new Error(`${side}: ${cause.message}`, { cause }));
  };
  local.on("error", failed("hypervisor's socket"));
  remote.on("error", failed("connection to the other host"));
  local.on("close", closed);
  remote.on("close", closed);
  // A side that broke before this looked at it tells nobody any more.
  if (local.destroyed || remote.destroyed) failed("channel")(new Error("broke as it opened"));
  if (bytesPerSecond > 0) local.pipe(throttle(bytesPerSecond)).pipe(remote);
  else if (local instanceof PouringSocket) local.pourInto(remote);
  else local.pipe(remote);
  gatherWrites(remote, local);
  remote.pipe(local);
  return ended.promise;
}

/**
 * TLS gives its bytes out in records of 16 KiB: what comes in one turn of the loop is written by one
 * call of the kernel.
 */
function gatherWrites(from: TLSSocket, to: Socket): void {
  let isGathering = false;
  from.on("data", () => {
    if (isGathering) return;
    isGathering = true;
    to.cork();
    setImmediate(() => {
      isGathering = false;
      to.uncork();
    });
  });
}
