import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ChannelProcess } from "#agent/channel/channel-process.ts";
import { plainDoor } from "#agent/ports/channel.ts";
import { deriveSecrets, generateClusterKey } from "#agent/store/cluster-key.ts";
import { type MoveId, moveIdOf, type VmName } from "#lib/model/ids.ts";
import { eventually } from "../support/eventually.ts";
import { loopbackChannel } from "../support/loopback-channel.ts";
import { MemoryLog } from "../support/memory-log.ts";
import { QemuRig } from "../support/qemu-rig.ts";

const HOST = "127.0.0.1";
const limits = { bandwidthBytesPerSecond: 0, downtimeMs: 300, noProgressMs: 20_000 };
/** Slow enough that a fault surely falls into the transfer. */
const slow = { ...limits, bandwidthBytesPerSecond: 2 << 20 };

let rig: QemuRig;
let channels: ChannelProcess[] = [];

beforeAll(async () => {
  rig = await QemuRig.make();
});

afterEach(async () => {
  await Promise.all(channels.map((channel) => channel.stop()));
  channels = [];
});

afterAll(() => rig?.close());

function makeChannels(entry?: string): { source: ChannelProcess; target: ChannelProcess } {
  const { channelKey } = deriveSecrets(generateClusterKey());
  const [source, target] = ["out", "in"].map((name) =>
    loopbackChannel({
      channelKey,
      socketDirectory: join(rig.folder, name),
      log: new MemoryLog(),
      ...(entry === undefined ? {} : { entry }),
    }),
  );
  if (!source || !target) throw new Error("two channels are made");
  channels.push(source, target);
  return { source, target };
}

/** Starts a guest and leads its move up to the point where the stream can flow. */
async function prepareMove(vm: VmName, entry?: string) {
  const spec = rig.spec(vm);
  const moveId = moveIdOf(vm, 2, "0123456789abcdef");
  await rig.source.startVm(spec);
  await eventually("the guest counts", async () => (await rig.count(vm)) > 3);
  const { socketPath: incoming } = await rig.target.prepareIncoming(moveId, spec, "SourceHost");
  const { source, target } = makeChannels(entry);
  const { port } = await target.listen(moveId, { socketPath: incoming });
  const { socketPath } = await source.connect(moveId, { addresses: [HOST], port, door: plainDoor });
  return { spec, moveId, socketPath, source, target };
}

/** `underWay` resolves once QEMU reports that bytes have gone. */
function transfer(moveId: MoveId, vm: VmName, socketPath: string, with_ = limits) {
  const signal = new AbortController().signal;
  const underWay = Promise.withResolvers<void>();
  const progressed = (look: { transferredBytes: number }) => {
    if (look.transferredBytes > 0) underWay.resolve();
  };
  const order = { moveId, vm, socketPath, limits: with_, progressed };
  const sent = rig.source.migrateOut(order, signal);
  const received = rig.target.awaitIncoming(moveId, vm, signal);
  // Either may fail before the test looks at it.
  sent.catch(() => undefined);
  received.catch(() => undefined);
  return { sent, received, underWay: underWay.promise };
}

async function bundledChannel(): Promise<string> {
  const outfile = join(rig.folder, "channel.mjs");
  await build({
    entryPoints: ["agent/channel/main.ts"],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    minify: true,
    logLevel: "warning",
  });
  return outfile;
}

describe("ChannelProcess with real guests", () => {
  it("carries a guest over, return path included, and ends by itself", async () => {
    const vm = "channel-1";
    const { moveId, socketPath, source, target } = await prepareMove(vm);
    const { sent, received } = transfer(moveId, vm, socketPath);
    expect((await sent).end).toBe("sent");
    await received;
    await rig.target.runIncoming(moveId, vm);
    await rig.source.discard(moveId, vm);
    const count = await rig.count(vm);
    await eventually("the guest counts on", async () => (await rig.count(vm)) > count + 3);
    expect(await rig.countFault(vm)).toBeNull();
    await eventually(
      "both channel processes end",
      async () => source.pids().length + target.pids().length === 0,
    );
    await rig.target.stopVm(vm, true);
  });

  it("carries a guest over from the bundle", async () => {
    const vm = "channel-2";
    const { moveId, socketPath } = await prepareMove(vm, await bundledChannel());
    const { sent, received } = transfer(moveId, vm, socketPath);
    await Promise.all([sent, received]);
    await rig.target.runIncoming(moveId, vm);
    await rig.source.discard(moveId, vm);
    expect(await rig.countFault(vm)).toBeNull();
    await rig.target.stopVm(vm, true);
  });

  it.each([
    ["source", "before a byte has gone"],
    ["target", "before a byte has gone"],
    ["source", "in mid-transfer"],
    ["target", "in mid-transfer"],
  ] as const)("killed at the %s %s leaves the guest running where it was", async (side, when) => {
    const vm = `channel-killed-${side}-${when.split(" ").at(-1)}`;
    const { moveId, socketPath, source, target } = await prepareMove(vm);
    const { sent, received, underWay } = transfer(moveId, vm, socketPath, slow);
    if (when === "in mid-transfer") await underWay;
    const [pid] = { source, target }[side].pids();
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    await expect(sent).rejects.toThrow();
    await expect(received).rejects.toThrow();
    await rig.target.discard(moveId, vm);
    const count = await rig.count(vm);
    await eventually("the guest counts on", async () => (await rig.count(vm)) > count + 3);
    expect(await rig.countFault(vm)).toBeNull();
    await rig.source.stopVm(vm, true);
  });
});
