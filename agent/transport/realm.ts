/** What the cluster key gives the transport. */
export interface TransportSecrets {
  /** 32 bytes; null for an agent without a key, which uses none of the others. */
  readonly pnetKey: Uint8Array | null;
  /** 32 bytes. */
  readonly probeKey: Uint8Array;
  /** mDNS service name: `_ek-TAG._udp.local`, TAG made from the key. */
  readonly serviceTag: string;
}

/** What must differ between agents with and without a key, so that they never meet halfway. */
export interface Realm {
  /** True without a key: everybody on the segment is let in, nothing is trusted. */
  readonly isOpen: boolean;
  readonly protocol: string;
  readonly topic: string;
  readonly serviceTag: string;
  readonly probeKey: Uint8Array;
  /** Others that one agent deals with. */
  readonly peersMax: number;
}

const OPEN: Realm = {
  isOpen: true,
  protocol: "/evenkeel-open/1",
  topic: "evenkeel-open/1",
  serviceTag: "_ek-open._udp.local",
  // Public: it guards against damage and mix-ups only.
  probeKey: new TextEncoder().encode("evenkeel in the open"),
  peersMax: 64,
};

const KEYED = { isOpen: false, protocol: "/evenkeel/1", topic: "evenkeel/1", peersMax: 4_096 };

export function realmOf(secrets: TransportSecrets): Realm {
  if (secrets.pnetKey === null) return OPEN;
  return { ...KEYED, serviceTag: secrets.serviceTag, probeKey: secrets.probeKey };
}

/** In words for the log, which key an agent with another service tag holds. */
export function keyOfStranger(here: Realm, serviceTag: string): string {
  if (here.isOpen) return "a cluster key, unlike this host";
  return serviceTag === OPEN.serviceTag
    ? "no cluster key, unlike this host"
    : "another cluster key than this host";
}
