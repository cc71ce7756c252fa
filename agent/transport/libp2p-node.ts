import { type GossipSub, gossipsub } from "@chainsafe/libp2p-gossipsub";
import { identify } from "@libp2p/identify";
import type { ConnectionGater, Libp2p, PrivateKey } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { preSharedKey } from "@libp2p/pnet";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";
import { wireLimits } from "#lib/wire/limits.ts";

/** Connections of all kinds: far above the six or so neighbours, and bounded. */
const CONNECTIONS_MAX = 512;
/** New inbound connections a second from one IP, where a whole cluster may run in tests. */
const INBOUND_PER_SECOND_MAX = 256;
const INBOUND_PENDING_MAX = 128;
const INBOUND_UPGRADE_MS = 4_000;
const ADDRESS_DIAL_MS = 2_000;
const NEGOTIATION_MS = 5_000;
/** What the protocol around a news message may add to its data. */
const NEWS_OVERHEAD_BYTES = 512;
const NEWS_HEARTBEAT_MS = 2_000;

export interface Libp2pNodeOptions {
  readonly privateKey: PrivateKey;
  /** 32 bytes, or null for the open. */
  readonly pnetKey: Uint8Array | null;
  readonly listenAddress: string;
  readonly port: number;
  readonly topic: string;
  readonly gater: ConnectionGater;
}

export type EvenkeelNode = Libp2p<{ readonly news: GossipSub }>;

/** Makes the libp2p node, not yet started; nothing else in evenkeel does. */
export async function createNode(options: Libp2pNodeOptions): Promise<EvenkeelNode> {
  const family = options.listenAddress.includes(":") ? "ip6" : "ip4";
  return await createLibp2p({
    start: false,
    privateKey: options.privateKey,
    addresses: { listen: [`/${family}/${options.listenAddress}/tcp/${options.port}`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...(options.pnetKey && {
      connectionProtector: preSharedKey({ psk: swarmKeyText(options.pnetKey) }),
    }),
    connectionGater: options.gater,
    // A ping stream per connection each 10 s costs 0.3 % of a core; keep-alive frames do its work.
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      inboundConnectionThreshold: INBOUND_PER_SECOND_MAX,
      maxIncomingPendingConnections: INBOUND_PENDING_MAX,
      inboundUpgradeTimeout: INBOUND_UPGRADE_MS,
      addressDialTimeout: ADDRESS_DIAL_MS,
      inboundStreamProtocolNegotiationTimeout: NEGOTIATION_MS,
      outboundStreamProtocolNegotiationTimeout: NEGOTIATION_MS,
      // It would try only peers that were tagged, and never after a partition.
      reconnectRetries: 0,
    },
    services: { identify: identify(), news: newsService(options.topic) },
  });
}

function newsService(topic: string): ReturnType<typeof gossipsub> {
  return gossipsub({
    D: 4,
    Dlo: 3,
    Dhi: 6,
    heartbeatInterval: NEWS_HEARTBEAT_MS,
    floodPublish: false,
    fallbackToFloodsub: false,
    doPX: false,
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    allowedTopics: [topic],
    maxInboundDataLength: wireLimits.newsBytesMax + NEWS_OVERHEAD_BYTES,
    // Without it the signature of each duplicate is checked. The signature names a message.
    fastMsgIdFn: (message) =>
      Buffer.from(message.signature ?? message.data ?? []).toString("latin1"),
    // With its default weight, 16 agents on one IP hear nothing of each other, silently.
    scoreParams: { IPColocationFactorWeight: 0 },
  });
}

/** The key in the form of go-ipfs' swarm.key file, which libp2p reads. */
function swarmKeyText(key: Uint8Array): Uint8Array {
  const hex = Buffer.from(key).toString("hex");
  return new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${hex}`);
}
