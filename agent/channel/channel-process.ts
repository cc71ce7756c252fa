import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "#lib/base/assert.ts";
import type { MoveId } from "#lib/model/ids.ts";
import type { Channel, ChannelRoute, IncomingDoor } from "../ports/channel.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { ChannelChild } from "./channel-child.ts";
import { ChannelError } from "./channel-error.ts";
import type { ChannelOrder } from "./channel-order.ts";

/** Start of a Node process on a busy host, with room to spare. */
const START_MS_MAX = 10_000;
/** One address: TCP connection and TLS handshake. */
const CONNECT_MS_MAX = 5000;
/** More addresses than this would outlast the grant. */
const ADDRESSES_MAX = 4;
/** One move in and one out are usual; more than this is a bug that leaks processes. */
const CHANNELS_MAX = 16;
/** A move that was proposed has begun by then, or was refused. */
const SPARE_MS_MAX = 10_000;
/** Of one move: libvirt takes two, one for its daemons' talk and one for the memory. */
const CONNECTIONS_MAX = 8;
/** Longest path of a UNIX socket on Linux without its closing zero (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107;

export interface ChannelProcessOptions {
  /** Key of one move's channel: 32 bytes from the cluster key. */
  readonly channelKey: (moveId: MoveId) => Uint8Array;
  /** Folder for the UNIX sockets; made (0700) when missing. */
  readonly socketDirectory: string;
  /** Address that the target end listens on. */
  readonly listenAddress: string;
  /** Ports of the target end; both 0 for any free one. */
  readonly portMin: number;
  readonly portMax: number;
  /** Own address that the source end connects from; null for the system's choice. */
  readonly localAddress: string | null;
  /** 0 for no cap. */
  readonly bandwidthBytesPerSecond: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Entry of the process; by default the one beside this file, in the sources and in the bundle. */
  readonly entry?: string;
  /** For one address; smaller in tests. */
  readonly connectMsMax?: number;
}

/** Channels as processes of their own: one an end and a move, ended by `close` or by our death. */
export class ChannelProcess implements Channel {
  readonly #options: ChannelProcessOptions;
  readonly #entry: string;
  readonly #children = new Map<MoveId, ChannelChild>();
  #spare: { readonly child: ChannelChild; forget(): void } | undefined;
  #isStopped = false;

  constructor(options: ChannelProcessOptions) {
    this.#options = options;
    this.#entry = options.entry ?? besideThisFile();
  }

  warm(): void {
    if (this.#isStopped || this.#children.size >= CHANNELS_MAX) return;
    const child = this.#takeSpare() ?? this.#start();
    const forget = this.#options.clock.after(SPARE_MS_MAX, () => void this.#takeSpare()?.end());
    this.#spare = { child, forget };
  }

  async listen(moveId: MoveId, door: IncomingDoor): Promise<{ port: number }> {
    const { listenAddress, portMin, portMax } = this.#options;
    const controlPath = door.controlPath ?? null;
    const child = await this.#open({
      ...this.#orderBase(moveId, door.socketPath),
      end: "listen",
      connectionsMax: controlPath === null ? 1 : CONNECTIONS_MAX,
      controlPath,
      diskPath: door.diskPath ?? null,
      address: listenAddress,
      portMin,
      portMax,
    });
    const port = await this.#ready(moveId, child, START_MS_MAX);
    assert(port !== null, "a listening channel reports its port");
    return { port };
  }

  async connect(moveId: MoveId, route: ChannelRoute): Promise<{ socketPath: string }> {
    const { addresses, port, door } = route;
    const tried = addresses.slice(0, ADDRESSES_MAX);
    if (tried.length === 0) {
      throw new ChannelError(`channel of move ${moveId}: the target announced no address`);
    }
    const { localAddress, connectMsMax = CONNECT_MS_MAX } = this.#options;
    const socketPath = door.socketPath ?? this.#socketPathOf(moveId);
    const child = await this.#open({
      ...this.#orderBase(moveId, socketPath),
      end: "connect",
      diskSocketPath: door.diskSocketPath ?? null,
      connectionsMax: Math.min(door.connectionsMax, CONNECTIONS_MAX),
      addresses: tried,
      port,
      localAddress,
      connectMsMax,
    });
    await this.#ready(moveId, child, START_MS_MAX + connectMsMax * tried.length);
    return { socketPath };
  }

  async close(moveId: MoveId): Promise<void> {
    const child = this.#children.get(moveId);
    if (child === undefined) return;
    this.#children.delete(moveId);
    await child.end();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const closing = [...this.#children.keys()].map((moveId) => this.close(moveId));
    await Promise.all([...closing, this.#takeSpare()?.end()]);
  }

  /** Ids of the running processes, for diagnosis and tests. */
  pids(): number[] {
    const spare = this.#spare?.child;
    const all = [...this.#children.values(), ...(spare && !spare.isOver ? [spare] : [])];
    return all.flatMap(({ pid }) => pid ?? []);
  }

  #orderBase(moveId: MoveId, socketPath: string) {
    return {
      moveId,
      keyHex: Buffer.from(this.#options.channelKey(moveId)).toString("hex"),
      socketPath,
      bandwidthBytesPerSecond: this.#options.bandwidthBytesPerSecond,
    };
  }

  /** A second order for one move replaces the first: the core asks again only after a failure. */
  async #open(order: ChannelOrder): Promise<ChannelChild> {
    await this.close(order.moveId);
    if (this.#children.size >= CHANNELS_MAX) {
      throw new ChannelError(`channel of move ${order.moveId}: ${CHANNELS_MAX} are open already`);
    }
    const child = this.#takeSpare() ?? this.#start();
    child.begin(order);
    this.#children.set(order.moveId, child);
    void child.ended.then(() => {
      if (this.#children.get(order.moveId) === child) this.#children.delete(order.moveId);
    });
    return child;
  }

  #start(): ChannelChild {
    const { clock, log } = this.#options;
    return new ChannelChild({ entry: this.#entry, clock, log });
  }

  /** The process that waits for an order, if there is one that lives. */
  #takeSpare(): ChannelChild | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    spare?.forget();
    return spare?.child.isOver ? undefined : spare?.child;
  }

  async #ready(moveId: MoveId, child: ChannelChild, msMax: number): Promise<number | null> {
    try {
      return await child.ready(msMax);
    } catch (error) {
      await this.close(moveId);
      throw error;
    }
  }

  /** Short whatever the move's name, because the path of a UNIX socket has to be. */
  #socketPathOf(moveId: MoveId): string {
    const digest = createHash("sha256").update(moveId).digest("hex").slice(0, 16);
    const path = join(this.#options.socketDirectory, `${digest}.sock`);
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
      throw new ChannelError(
        `channel of move ${moveId}: ${path} is too long for a UNIX socket ` +
          `(at most ${SOCKET_PATH_BYTES_MAX} bytes): choose a shorter stateDirectory`,
      );
    }
    mkdirSync(this.#options.socketDirectory, { recursive: true, mode: 0o700 });
    return path;
  }
}

function besideThisFile(): string {
  const name = import.meta.url.endsWith(".ts") ? "./main.ts" : "./channel.mjs";
  return fileURLToPath(new URL(name, import.meta.url));
}
