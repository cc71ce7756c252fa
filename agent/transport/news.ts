import {
  type GossipSub,
  type Message as PubsubMessage,
  TopicValidatorResult,
} from "@chainsafe/libp2p-gossipsub";
import type { HostId } from "#lib/model/ids.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { Malformed } from "#lib/wire/malformed.ts";
import type { DeltaMessage } from "#lib/wire/messages.ts";
import type { Codec } from "./codec.ts";
import type { Counters } from "./counters.ts";

/** Messages that one piece of news may be spread over; the rest rides on push-pull. */
const PARTS_MAX = 4;

export interface NewsOptions {
  readonly topic: string;
  readonly codec: Codec;
  readonly counters: Counters;
  readonly received: (from: HostId, message: DeltaMessage) => void;
  /** A peer passed on something that it should have refused itself. */
  readonly offended: (peer: HostId) => void;
}

/** The news topic: deltas to everybody by gossipsub, each signed by its author. */
export class News {
  readonly #options: NewsOptions;
  #pubsub: GossipSub | undefined;
  #lastPublished: Promise<unknown> = Promise.resolve();

  constructor(options: NewsOptions) {
    this.#options = options;
  }

  /** To be called once the libp2p node runs. */
  start(pubsub: GossipSub): void {
    const { topic } = this.#options;
    this.#pubsub = pubsub;
    // The validator runs after the signature was checked, and what it refuses is not passed on.
    pubsub.topicValidators.set(topic, (peer, message) => this.#validate(peer.toString(), message));
    pubsub.subscribe(topic);
  }

  /** Takes no more news; resolves when what was published has been handed to libp2p. */
  async stop(): Promise<void> {
    this.#pubsub = undefined;
    await this.#lastPublished;
  }

  publish(message: DeltaMessage): void {
    const { codec, counters, topic } = this.#options;
    const { packets, leftOut } = codec.encode(message, wireLimits.newsBytesMax);
    if (leftOut > 0) counters.drop("news-too-large", "this host", `${leftOut} parts of own news`);
    for (const packet of packets.slice(0, PARTS_MAX)) {
      counters.sent(packet.length, 1);
      const published = this.#pubsub?.publish(topic, packet).catch((error: unknown) => {
        counters.drop("news-unsent", "this host", String(error));
      });
      this.#lastPublished = Promise.all([this.#lastPublished, published]);
    }
  }

  hasSubscriber(host: HostId): boolean {
    const subscribers = this.#pubsub?.getSubscribers(this.#options.topic) ?? [];
    return subscribers.some((peer) => peer.toString() === host);
  }

  #validate(peer: HostId, message: PubsubMessage): TopicValidatorResult {
    const { codec, counters, received } = this.#options;
    counters.received(message.data.length, 1);
    if (message.type !== "signed") return this.#refuse(peer, "unsigned", "news without author");
    if (message.data.length > wireLimits.newsBytesMax) {
      return this.#refuse(peer, "oversized", `news of ${message.data.length} bytes`);
    }
    const decoded = codec.decode(message.data);
    if (decoded instanceof Malformed) {
      return this.#refuse(peer, "malformed", `news: ${decoded.path}: ${decoded.problem}`);
    }
    if (decoded.message.type !== "delta") {
      return this.#refuse(peer, "malformed", `${decoded.message.type} on the news topic`);
    }
    for (const problem of decoded.problems) {
      if (problem !== "stale") counters.drop(problem, peer, "record in news");
    }
    received(message.from.toString(), decoded.message);
    return TopicValidatorResult.Accept;
  }

  #refuse(peer: HostId, reason: string, detail: string): TopicValidatorResult {
    this.#options.counters.drop(reason, peer, detail);
    this.#options.offended(peer);
    return TopicValidatorResult.Reject;
  }
}
