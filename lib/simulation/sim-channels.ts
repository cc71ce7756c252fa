import type { HostId, MoveId, VmName } from "../model/ids.ts";
import type { SimHost } from "./sim-host.ts";
import { SimHostError } from "./sim-host-error.ts";
import type { SimLinks } from "./sim-links.ts";
import { SimTransfer } from "./sim-transfer.ts";
import type { VirtualClock } from "./virtual-clock.ts";

interface Channel {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly target: HostId;
  source: HostId | undefined;
  transfer: SimTransfer | undefined;
}

export interface StreamOrder {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly source: HostId;
  readonly bytes: number;
  readonly bandwidthBytesPerSecond: number;
  readonly dirtyBytesPerSecond: number;
  readonly ended: (error: SimHostError | null) => void;
}

export interface SimChannelsOptions {
  readonly clock: VirtualClock;
  readonly links: SimLinks;
  readonly hostOf: (host: HostId) => SimHost;
}

/** How soon an end hears that the other's process or hypervisor is gone, ms. */
const closeMs = 1;
/** An end that cannot be told gives up after this long, ms. */
const closeMsMax = 45_000;

/**
 * The channel processes of all moves: one end a host, each dying with its agent. A channel whose
 * end, or whose copy, is gone breaks the stream: at once where it happened, at the other end when
 * the news can travel.
 */
export class SimChannels {
  readonly #options: SimChannelsOptions;
  readonly #channels = new Map<MoveId, Channel>();
  /** Ends that must still be told of a break, because the link was cut when it happened. */
  readonly #untold = new Set<() => void>();

  constructor(options: SimChannelsOptions) {
    this.#options = options;
    options.links.onChange(() => {
      for (const { transfer } of this.#channels.values()) transfer?.linksChanged();
      for (const tell of [...this.#untold]) tell();
    });
  }

  listen(moveId: MoveId, vm: VmName, target: HostId): void {
    this.#channels.set(moveId, { moveId, vm, target, source: undefined, transfer: undefined });
  }

  /** False when nobody listens there. */
  connect(moveId: MoveId, source: HostId): boolean {
    const channel = this.#channels.get(moveId);
    if (!channel || channel.source !== undefined) return false;
    channel.source = source;
    return true;
  }

  /** Throws SimHostError when there is no channel or nothing to send. */
  stream(order: StreamOrder): SimTransfer {
    const channel = this.#channels.get(order.moveId);
    if (channel?.source !== order.source) {
      throw new SimHostError("MIGRATION_FAILED", `the channel of ${order.vm} is gone`);
    }
    const { clock, links, hostOf } = this.#options;
    const transfer = new SimTransfer({
      ...order,
      clock,
      links,
      source: { id: order.source, host: hostOf(order.source) },
      target: { id: channel.target, host: hostOf(channel.target) },
      sourceEnded: order.ended,
    });
    transfer.begin();
    channel.transfer = transfer;
    return transfer;
  }

  /** The channel process of one end ends, or is killed. */
  close(moveId: MoveId, host: HostId): void {
    const channel = this.#channels.get(moveId);
    if (!channel || (channel.target !== host && channel.source !== host)) return;
    this.#channels.delete(moveId);
    const { transfer, source, target } = channel;
    if (!transfer || source === undefined) {
      // A connected copy that waits for its first byte sees its stream end, too.
      if (source !== undefined) this.#tell(host, target, () => this.#dropWaiting(channel));
      return;
    }
    const why = host === source ? "its channel was closed" : "the other end closed the channel";
    this.#tell(host, source, () => transfer.breakSource("MIGRATION_FAILED", why));
    this.#tell(host, target, () => transfer.breakTarget());
  }

  /** All channel ends of a host die: its agent, or the machine, did. */
  closeAll(host: HostId): void {
    for (const moveId of this.ofHost(host)) this.close(moveId, host);
  }

  ofHost(host: HostId): readonly MoveId[] {
    return [...this.#channels.values()]
      .filter((channel) => channel.target === host || channel.source === host)
      .map((channel) => channel.moveId);
  }

  /** The copy at one end is gone: its hypervisor closes the stream. */
  copyGone(vm: VmName, host: HostId): void {
    for (const channel of [...this.#channels.values()]) {
      if (channel.vm === vm && channel.transfer) this.close(channel.moveId, host);
    }
  }

  #dropWaiting(channel: Channel): void {
    const target = this.#options.hostOf(channel.target);
    if (target.copy(channel.vm)?.moveId === channel.moveId) target.failReceiving(channel.vm);
  }

  #tell(from: HostId, to: HostId, act: () => void): void {
    if (from === to) {
      act();
      return;
    }
    const { clock, links } = this.#options;
    const tell = () => {
      if (!links.connects(from, to)) return;
      cancel();
      this.#untold.delete(tell);
      clock.after(closeMs, act);
    };
    const cancel = clock.after(closeMsMax, () => {
      this.#untold.delete(tell);
      act();
    });
    this.#untold.add(tell);
    tell();
  }
}
