import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AgentError } from "#lib/base/errors.ts";
import type { CoreSettings, ServiceHosting } from "#lib/core/node-options.ts";
import { type Api, startApi } from "./api/server.ts";
import { ChannelProcess } from "./channel/channel-process.ts";
import type { Config } from "./config/config.ts";
import { HostLoadSampler } from "./host/load-sampler.ts";
import { ProcSampler } from "./host/proc-sampler.ts";
import { LibvirtDriver } from "./hypervisor/libvirt/libvirt-driver.ts";
import { QemuDriver } from "./hypervisor/qemu/qemu-driver.ts";
import { QemuMemberFiles } from "./hypervisor/qemu/qemu-member-files.ts";
import { SimDriver } from "./hypervisor/sim/sim-driver.ts";
import { Lifecycle, type Part } from "./lifecycle.ts";
import { leavesForGood } from "./os/leaves-for-good.ts";
import type { SdNotify } from "./os/sd-notify.ts";
import type { Clock } from "./ports/clock.ts";
import type { Hypervisor } from "./ports/hypervisor.ts";
import type { Log } from "./ports/log.ts";
import type { MemberHost } from "./ports/members.ts";
import type { KeepSwitch } from "./ports/switch-keeping.ts";
import { Runtime } from "./runtime/runtime.ts";
import {
  type ClusterSecrets,
  clusterKeyFingerprint,
  deriveSecrets,
  readClusterKeyFile,
} from "./store/cluster-key.ts";
import { loadIdentity } from "./store/identity.ts";
import { SqliteJournal } from "./store/journal.ts";
import { keepKeyed, wasKeyed } from "./store/keyed-mark.ts";
import { prepareStateDirectory } from "./store/state-directory.ts";
import { HaproxySwitch } from "./switch/haproxy-switch.ts";
import { askHealth, awaitHealthy } from "./switch/health-probe.ts";
import { SwitchKeeper } from "./switch/switch-keeper.ts";
import { Libp2pTransport } from "./transport/libp2p-transport.ts";

/** In the open there is no secret; datagrams carry a public constant against damage only. */
const openProbeKey = new Uint8Array(32);
const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

export interface ComposeOptions {
  readonly config: Config;
  readonly agentVersion: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly notify: SdNotify;
  /** The agent must not go on. */
  readonly failed: (error: unknown) => void;
}

/**
 * The one place that chooses implementations. Order of the parts: what must be true is read before
 * what must be done is done, and nobody outside is heard before both.
 */
export function compose(options: ComposeOptions): Lifecycle {
  const { config, clock, log, notify, failed } = options;
  prepareStateDirectory(config.stateDirectory);
  const secrets = readSecrets(config, log);
  const identity = loadIdentity(config.stateDirectory);
  const journal = new SqliteJournal({ path: join(config.stateDirectory, "journal.db") });
  const hypervisor = chooseHypervisor(options);
  const transport = new Libp2pTransport({
    identity: { privateKey: identity },
    secrets: {
      pnetKey: secrets?.pnetKey ?? null,
      probeKey: secrets?.probeKey ?? openProbeKey,
      serviceTag: secrets?.serviceTag ?? "",
    },
    listen: config.listen,
    mdns: config.mdns,
    peers: config.peers,
    interfaceName: config.interface,
    log,
    clock,
    random: randomBytes,
  });
  const runtime = new Runtime({
    node: {
      self: transport.self,
      name: config.name,
      keyed: secrets !== null,
      agentVersion: options.agentVersion,
      seed: randomBytes(16).toString("hex"),
      settings: coreSettings(config),
      services: serviceHosting(config),
    },
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim(),
    instance: randomBytes(8).toString("hex"),
    clock,
    journal,
    transport,
    hypervisor,
    channel: makeChannel(options, secrets),
    channelAddress: config.migration.address,
    members: memberHost(options),
    keepSwitch: keepSwitch(options),
    sampler: new HostLoadSampler({
      hypervisor,
      machine: new ProcSampler({ log }),
      clock,
      capacity: {
        cpuCores: config.capacity.cpuCores,
        memoryBytes:
          config.capacity.memoryMiB === null ? null : config.capacity.memoryMiB * mebibyte,
      },
    }),
    log,
    turned: () => notify.alive(),
    failed,
  });
  const parts: Part[] = [
    { name: "journal", start: () => journal.start(), stop: () => journal.close() },
    { name: "hypervisor", start: () => hypervisor.start(), stop: () => hypervisor.stop() },
    { name: "runtime", start: () => runtime.start(), stop: async () => undefined },
    {
      name: "transport",
      start: () => runtime.startTransport(),
      stop: () => transport.stop(),
    },
    apiPart(options, runtime),
    // Stops go in reverse: the runtime says its goodbye first, while there is a transport.
    {
      name: "leave",
      start: async () => undefined,
      stop: async () => runtime.stop({ forGood: await leavesForGood() }),
    },
  ];
  return new Lifecycle({ parts, clock, log });
}

function apiPart({ config, log }: ComposeOptions, runtime: Runtime): Part {
  let api: Api | null = null;
  return {
    name: "sockets",
    start: async () => {
      api = await startApi({
        paths: { socketPath: config.socket, readSocketPath: config.readSocket },
        view: runtime,
        log,
        ...(config.socketGroup === null ? {} : { group: config.socketGroup }),
      });
    },
    stop: async () => {
      await api?.stop();
    },
  };
}

function readSecrets(config: Config, log: Log): ClusterSecrets | null {
  const { keyFile, stateDirectory } = config;
  const { path, required, isCredential } = keyFile;
  const missing = !required && !fileExists(path);
  if (missing) {
    keepKeyed(stateDirectory, { keyed: false, keyFile: path });
    log.write(
      "warn",
      `no cluster key at ${path}: this agent joins in the open, shows load and advises, and never ` +
        "acts; make a key with 'evenkeel key generate' and put it on every host",
    );
    return null;
  }
  try {
    const key = readClusterKeyFile(path, isCredential);
    keepKeyed(stateDirectory, { keyed: true, keyFile: path });
    log.write("info", `cluster key ${clusterKeyFingerprint(key)} from ${path}`);
    return deriveSecrets(key);
  } catch (error) {
    if (wasKeyed(stateDirectory)) {
      log.write("error", "this host has had a cluster key before: it does not start without it");
    }
    throw error;
  }
}

function fileExists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}

function chooseHypervisor({ config, clock, log }: ComposeOptions): Hypervisor {
  const { driver, storageRoots, bridges, qemuBinary, guestDirectory } = config.hypervisor;
  const { memoryDirectory, accelerator, cpuModel } = config.hypervisor;
  if (driver === "sim") {
    return new SimDriver({ stateDirectory: guestDirectory, clock });
  }
  if (driver === "libvirt") {
    return new LibvirtDriver({
      stateDirectory: guestDirectory,
      storageRoots,
      bridges,
      copiedRoots: config.hypervisor.copiedRoots,
      uri: config.hypervisor.uri,
      qemuBinary,
      accelerator,
      ...(cpuModel === null ? {} : { cpuModel }),
      clock,
      log,
    });
  }
  return new QemuDriver({
    stateDirectory: guestDirectory,
    storageRoots,
    bridges,
    qemuBinary,
    accelerator,
    ...(memoryDirectory === null ? {} : { memoryDirectory }),
    ...(cpuModel === null ? {} : { cpuModel }),
    clock,
    log,
  });
}

/** Null where this host has neither room for members nor a switch. */
function serviceHosting(config: Config): ServiceHosting | null {
  const { overlayDirectory, diskMaxGiB } = config.services;
  const hasSwitch = config.switch.haproxySocket !== null;
  if (!takesMembers(config) || overlayDirectory === null) {
    const overlayFolder = join(config.stateDirectory, "members");
    return hasSwitch ? { overlayFolder, diskBytesMax: 0, hasSwitch } : null;
  }
  const diskBytesMax = Math.round(diskMaxGiB * gibibyte);
  return { overlayFolder: overlayDirectory, diskBytesMax, hasSwitch };
}

/** Members are made and suspended the qemu driver's way. */
function takesMembers({ hypervisor }: Config): boolean {
  return hypervisor.driver === "qemu" || hypervisor.driver === "auto";
}

/** Null where there can be no members: guests are simulated, or there is no storage root. */
function memberHost({ config, clock }: ComposeOptions): MemberHost | null {
  const overlayFolder = config.services.overlayDirectory;
  const { storageRoots } = config.hypervisor;
  if (!takesMembers(config) || overlayFolder === null) return null;
  return {
    files: new QemuMemberFiles({ overlayFolder, storageRoots }),
    awaitHealthy: ({ timeoutMs, msMax, ...target }, signal) =>
      awaitHealthy(target, { clock, timeoutMs, withinMs: msMax }, signal),
    askHealth: ({ timeoutMs, msMax: _, ...target }, signal) =>
      askHealth(target, { clock, timeoutMs }, signal),
  };
}

function keepSwitch({ config, clock, log }: ComposeOptions): KeepSwitch | null {
  const socketPath = config.switch.haproxySocket;
  if (socketPath === null) return null;
  return (told) =>
    new SwitchKeeper({ switch: new HaproxySwitch({ socketPath, clock }), clock, log, told });
}

function makeChannel(
  { config, clock, log }: ComposeOptions,
  secrets: ClusterSecrets | null,
): ChannelProcess {
  const { migration, listen } = config;
  return new ChannelProcess({
    channelKey: (moveId) => {
      if (secrets) return secrets.channelKey(moveId);
      throw new KeylessError("without a cluster key no VM is moved");
    },
    socketDirectory: join(config.stateDirectory, "channel"),
    listenAddress: migration.address ?? listen.address,
    portMin: listen.channelPortMin,
    portMax: listen.channelPortMax,
    localAddress: migration.address,
    bandwidthBytesPerSecond: Math.round(migration.bandwidthMiBps * mebibyte),
    clock,
    log,
  });
}

/** Thrown when a channel is asked for in the open: the core never does, this is the second lock. */
class KeylessError extends AgentError {
  readonly code = "KEYLESS";
}

function coreSettings({ migration, balance }: Config): CoreSettings {
  return {
    limits: {
      bandwidthBytesPerSecond: Math.round(migration.bandwidthMiBps * mebibyte),
      downtimeMs: migration.downtimeMs,
      noProgressMs: migration.noProgressSeconds * 1000,
    },
    gainMin: balance.gainMin,
    marginShare: balance.margin,
    hotShare: balance.hotShare,
    cooldownMs: balance.cooldownSeconds * 1000,
    memoryShareMax: balance.memoryShareMax,
  };
}
