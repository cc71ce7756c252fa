import { connect, createServer, type Server, type Socket } from "node:net";

/** libvirt's remote protocol (remote_protocol.x): program, and two calls of a migration. */
const PROGRAM = 0x20008086;
const PREPARE = 303;
const FINISH = 306;
const CALL = 0;
const REPLY = 1;
/** Length, program, version, procedure and type, four bytes each. */
const HEAD_BYTES = 20;

/** Moments of a migration, as its target's daemon sees them. */
export type RpcMoment =
  /** The target is ready; memory begins to flow. */
  | "prepared"
  /** All memory is over; the source's daemon asks the target's to finish. */
  | "finish-call"
  /** The target has finished; the source does not know it yet. */
  | "finish-reply";

/**
 * Stands before a libvirtd and passes all on, frame by frame. At a moment of a migration it holds the
 * frame until `onMoment` resolves: a fault then strikes exactly there, and not in a race.
 */
export class RpcGate {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  onMoment: (moment: RpcMoment) => Promise<void> = async () => undefined;

  private constructor(path: string, daemonPath: string) {
    this.path = path;
    this.#server = createServer((near) => this.#lead(near, connect(daemonPath)));
  }

  static async open(path: string, daemonPath: string): Promise<RpcGate> {
    const gate = new RpcGate(path, daemonPath);
    await new Promise<void>((resolve) => gate.#server.listen(path, resolve));
    return gate;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #lead(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      const end = () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      };
      socket.on("error", end);
      socket.on("close", end);
    }
    this.#pass(near, far);
    this.#pass(far, near);
  }

  #pass(from: Socket, to: Socket): void {
    let kept = Buffer.alloc(0);
    let before = Promise.resolve();
    from.on("data", (chunk: Buffer) => {
      kept = Buffer.concat([kept, chunk]);
      for (;;) {
        const length = kept.length >= 4 ? kept.readUInt32BE(0) : Number.POSITIVE_INFINITY;
        if (kept.length < length) return;
        const frame = kept.subarray(0, length);
        kept = kept.subarray(length);
        before = before.then(() => this.#frame(frame, to));
      }
    });
  }

  async #frame(frame: Buffer, to: Socket): Promise<void> {
    const moment = momentOf(frame);
    if (moment !== undefined) await this.onMoment(moment);
    if (!to.destroyed) to.write(frame);
  }
}

function momentOf(frame: Buffer): RpcMoment | undefined {
  if (frame.length < HEAD_BYTES || frame.readUInt32BE(4) !== PROGRAM) return undefined;
  const procedure = frame.readUInt32BE(12);
  const type = frame.readUInt32BE(16);
  if (procedure === PREPARE && type === REPLY) return "prepared";
  if (procedure !== FINISH) return undefined;
  if (type === CALL) return "finish-call";
  return type === REPLY ? "finish-reply" : undefined;
}
