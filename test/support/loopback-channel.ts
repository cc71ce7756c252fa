import { ChannelProcess, type ChannelProcessOptions } from "#agent/channel/channel-process.ts";
import { SystemClock } from "#agent/os/system-clock.ts";

type Given = Pick<ChannelProcessOptions, "channelKey" | "socketDirectory">;

/** A channel whose both ends are on this machine's loopback, at any free port and without a cap. */
export function loopbackChannel(options: Given & Partial<ChannelProcessOptions>): ChannelProcess {
  return new ChannelProcess({
    listenAddress: "127.0.0.1",
    portMin: 0,
    portMax: 0,
    localAddress: null,
    bandwidthBytesPerSecond: 0,
    clock: new SystemClock(),
    log: { write: () => undefined },
    ...options,
  });
}
