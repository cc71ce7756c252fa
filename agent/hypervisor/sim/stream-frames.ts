import type { Socket } from "node:net";

const headBytes = 5;
/** No frame is larger: what is longer is no stream of ours. */
const frameBytesMax = 16 * 2 ** 20;

/**
 * Kinds of frames in a simulated migration. Source to target: memory (its bytes mean nothing) and
 * the guest's state at last. Target to source: how much has arrived, and that all of it has.
 */
export const frameKinds = { memory: 1, state: 2, arrived: 3, complete: 4 } as const;

export interface Frame {
  readonly kind: number;
  readonly body: Buffer;
}

export function writeFrame(socket: Socket, kind: number, body: Buffer = Buffer.alloc(0)): void {
  if (socket.destroyed) return;
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(body.length, 0);
  head.writeUInt8(kind, 4);
  socket.write(Buffer.concat([head, body]));
}

/** Calls `taken` with each whole frame; destroys the socket on a frame that cannot be ours. */
export function readFrames(socket: Socket, taken: (frame: Frame) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= headBytes) {
      const length = rest.readUInt32BE(0);
      if (length > frameBytesMax) {
        socket.destroy();
        return;
      }
      if (rest.length < headBytes + length) return;
      const body = rest.subarray(headBytes, headBytes + length);
      const kind = rest.readUInt8(4);
      rest = rest.subarray(headBytes + length);
      taken({ kind, body });
    }
  });
}
