import { Socket, type SocketConstructorOpts } from "node:net";
import type { Writable } from "node:stream";

/** What a UNIX socket of Linux holds by default (net.core.wmem_default), and some room. */
const BLOCK_BYTES = 256 << 10;

/** `handle` is what node:net itself gives to the sockets that it accepts; its types leave it out. */
interface AcceptedParts {
  _handle: unknown;
}

/**
 * The hypervisor's side of the source's end: it reads into one buffer of its own, block after block,
 * where a common socket makes a new one for every 64 KiB. That is a third of what a channel costs
 * in its first second (measured), and a small guest's move has no second one: no memory to fetch,
 * and little garbage to collect.
 */
export class PouringSocket extends Socket {
  #sink: Writable | undefined;

  private constructor(handle: unknown) {
    const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    const options = {
      handle,
      allowHalfOpen: true,
      // It must not read before it is told where to.
      manualStart: true,
      onread: { buffer: block, callback: (bytes: number) => this.#poured(block, bytes) },
    };
    super(options as SocketConstructorOpts);
  }

  /**
   * Takes over a connection of a server with `pauseOnConnect`, of which nothing has been read. The
   * socket it came as is over then.
   */
  static over(accepted: Socket): PouringSocket {
    const parts = accepted as unknown as AcceptedParts;
    const handle = parts._handle;
    parts._handle = null;
    accepted.destroy();
    return new PouringSocket(handle);
  }

  /** Begins to read, and leads all of it into `sink`, its end, too. Instead of `pipe`. */
  pourInto(sink: Writable): void {
    this.#sink = sink;
    this.once("end", () => sink.end());
    this.resume();
  }

  /** The block is free again when what it holds was encrypted and written: no sooner is it read on. */
  #poured(block: Buffer, bytes: number): false {
    this.#sink?.write(block.subarray(0, bytes), (error) => {
      if (!error && !this.destroyed) this.resume();
    });
    return false;
  }
}
