import type { Connection, Stream } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import type { HostId } from "#lib/model/ids.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { Malformed } from "#lib/wire/malformed.ts";
import type { Message } from "#lib/wire/messages.ts";
import { ipEndpointOf } from "./addresses.ts";
import type { Codec } from "./codec.ts";
import type { Counters } from "./counters.ts";
import type { HandshakeWatch } from "./handshake-watch.ts";
import type { EvenkeelNode } from "./libp2p-node.ts";
import type { Links } from "./links.ts";
import type { DialTarget } from "./redial.ts";
import { PeerStream } from "./streams.ts";

/** One dial with handshake and stream; an address that swallows packets costs 2 s of it. */
const DIAL_MS_MAX = 5_000;
/** An inbound connection whose dialler opens no stream for this long is no agent of ours. */
const STREAMLESS_MS_MAX = 10_000;
/** Addresses of one host that are tried in one dial, in turn. */
const ADDRESSES_TRIED_MAX = 4;
export interface ConnectorOptions {
  readonly self: HostId;
  readonly node: EvenkeelNode;
  readonly protocol: string;
  readonly codec: Codec;
  readonly counters: Counters;
  readonly links: Links<PeerStream>;
  readonly watch: HandshakeWatch;
  readonly nowMs: () => number;
  readonly received: (from: HostId, message: Message) => void;
}

/** Makes the stream of each connection: opened by whoever dialled, taken up by the other. */
export class Connector {
  readonly #options: ConnectorOptions;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** Begins to take streams; to be called before the node starts. */
  async start(): Promise<void> {
    const { node, protocol } = this.#options;
    await node.handle(protocol, (stream, connection) => this.#adopt(stream, connection));
  }

  /** Connects, opens the stream, and resolves to who answered. Rejects when nobody of ours did. */
  async dial(target: DialTarget): Promise<HostId> {
    const { node, self, protocol, links, nowMs } = this.#options;
    const startedMs = nowMs();
    const signal = AbortSignal.timeout(DIAL_MS_MAX);
    let connection: Connection;
    try {
      connection = await node.dial(multiaddrsOf(target), { signal });
    } catch (error) {
      if (/dial(ed)? self/i.test(String(error))) return self;
      this.#explain(target, error, nowMs() - startedMs);
      throw error;
    }
    const host = connection.remotePeer.toString();
    // Their dial was faster: the stream comes from their side.
    if (connection.direction === "inbound" || links.get(host)?.connection === connection)
      return host;
    try {
      this.#adopt(await connection.newStream(protocol, { signal }), connection);
    } catch (error) {
      connection.abort(new Error("no stream", { cause: error }));
      throw error;
    }
    return host;
  }

  /** Ends connections that never became a link, such as those of other programs. */
  sweep(): void {
    for (const connection of this.#options.node.getConnections()) {
      const ageMs = Date.now() - connection.timeline.open;
      const hasStream = connection.streams.some(
        ({ protocol }) => protocol === this.#options.protocol,
      );
      if (!hasStream && ageMs > STREAMLESS_MS_MAX) {
        connection.abort(new Error("no evenkeel stream"));
      }
    }
  }

  #adopt(stream: Stream, connection: Connection): void {
    const { counters, links, nowMs } = this.#options;
    const host = connection.remotePeer.toString();
    const peerStream = new PeerStream({
      host,
      stream,
      connection,
      nowMs,
      frameBytesMax: wireLimits.frameBytesMax,
      frameReceived: (frame) => this.#receive(host, frame),
      offended: (reason) => counters.drop(reason, host, "stream cut"),
      drained: () => links.flush(host),
      closed: () => links.remove(peerStream),
    });
    links.add(peerStream);
    peerStream.open();
  }

  #receive(host: HostId, frame: Uint8Array): boolean {
    const { codec, counters, received } = this.#options;
    counters.received(frame.length, 1);
    const decoded = codec.decode(frame);
    if (decoded instanceof Malformed) {
      counters.drop("malformed", host, `${decoded.path || "message"}: expected ${decoded.problem}`);
      return false;
    }
    const faults = decoded.problems.filter((problem) => problem !== "stale");
    for (const fault of faults) counters.drop(fault, host, "record in a delta");
    received(host, decoded.message);
    return faults.length === 0;
  }

  #explain(target: DialTarget, error: unknown, elapsedMs: number): void {
    const { counters, watch } = this.#options;
    counters.count("dial");
    const endpoint = target.addresses.map(ipEndpointOf).find((found) => found !== undefined);
    watch.failed(endpoint?.ip ?? target.addresses[0] ?? "", error, elapsedMs);
  }
}

function multiaddrsOf({ host, addresses }: DialTarget): ReturnType<typeof multiaddr>[] {
  const tried = addresses.slice(0, ADDRESSES_TRIED_MAX);
  return tried.map((address) => multiaddr(host === null ? address : `${address}/p2p/${host}`));
}
