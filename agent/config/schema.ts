import { isIP } from "node:net";
import { relative } from "node:path";
// As a namespace: by name the bundle would carry all of zod, its forty languages too (4 MB of memory).
import * as z from "zod";

/**
 * Every setting of the agent: type, bounds, default, unit and one line of documentation. The
 * README's table and the example file are checked against this. Unknown keys are refused.
 */

/** Longest path of a UNIX socket on Linux without its closing zero (unix(7)). */
export const SOCKET_PATH_LENGTH_MAX = 107;

const path = () => z.string().regex(/^\//, "expected an absolute path").max(1024);
const socketPath = () => path().max(SOCKET_PATH_LENGTH_MAX);
const port = () => z.int().min(0).max(65_535);
const address = () => z.string().refine((text) => isIP(text) !== 0, "expected an IP address");
const interfaceName = () => z.string().regex(/^[A-Za-z0-9_.:-]{1,15}$/, "expected an interface");

const listen = z.strictObject({
  address: address()
    .default("0.0.0.0")
    .describe("address that peers connect to; 0.0.0.0 for all of this host's"),
  port: port().default(7531).describe("TCP port of the gossip; 0 for any free one"),
  probePort: port().default(7531).describe("UDP port of the probes; 0 for any free one"),
  channelPortMin: port()
    .default(7540)
    .describe("first TCP port of migration channels; 0 (with channelPortMax 0) for any free one"),
  channelPortMax: port().default(7559).describe("last TCP port of migration channels"),
});

const migration = z.strictObject({
  address: address()
    .nullable()
    .default(null)
    .describe("own address on the migration network; null to take the one that gossip uses"),
  bandwidthMiBps: z
    .number()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe("cap on the stream of one move, MiB/s; 0 for none"),
  downtimeMs: z
    .int()
    .min(1)
    .max(60_000)
    .default(300)
    .describe("pause of the guest that the hypervisor may plan for, ms"),
  noProgressSeconds: z
    .int()
    .min(1)
    .max(3600)
    .default(30)
    .describe("a transfer with no headway for this long is aborted, s"),
});

const hypervisor = z.strictObject({
  driver: z
    .enum(["auto", "sim", "qemu", "libvirt"])
    .default("auto")
    .describe("auto takes qemu; libvirt has to be named; sim runs pretended guests, for trials"),
  uri: z
    .string()
    .regex(/^[a-z]+(\+unix)?:\/\/\/[A-Za-z0-9/._%?&=-]*$/, "expected a URI such as qemu:///system")
    .max(1024)
    .default("qemu:///system")
    .describe("libvirt's daemon on this host, as virsh -c takes it (driver libvirt)"),
  qemuBinary: z
    .string()
    .min(1)
    .max(1024)
    .default("qemu-system-x86_64")
    .describe("QEMU's program, by path or by name on the PATH"),
  storageRoots: z
    .array(path())
    .max(64)
    .default(["/var/lib/evenkeel-images"])
    .describe("folders under which guests' disks, kernels and initrds may lie"),
  bridges: z
    .array(interfaceName())
    .max(64)
    .default([])
    .describe("bridges that guests may be attached to"),
  copiedRoots: z
    .array(path())
    .max(64)
    .default([])
    .describe("folders on local disks whose images are copied along by a move (driver libvirt)"),
  guestDirectory: path()
    .nullable()
    .default(null)
    .describe("folder that guests/, the guests' own files, lies in; null for the state directory"),
  memoryDirectory: path()
    .nullable()
    .default(null)
    .describe("folder of running guests' memory, best a tmpfs; null for the guest's own folder"),
  accelerator: z
    .enum(["auto", "kvm", "tcg"])
    .default("auto")
    .describe("auto takes kvm if a guest really runs with it, else tcg"),
  cpuModel: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._,+=-]{0,199}$/, "expected a value of QEMU's -cpu")
    .nullable()
    .default(null)
    .describe("QEMU's -cpu, the same on hosts that exchange guests; null for host with kvm"),
});

const capacity = z.strictObject({
  cpuCores: z
    .number()
    .min(0.01)
    .max(10_000)
    .nullable()
    .default(null)
    .describe("CPU for guests, cores; null to measure. When set, only own guests count as load"),
  memoryMiB: z
    .int()
    .min(1)
    .max(2 ** 30)
    .nullable()
    .default(null)
    .describe("memory for guests, MiB; null to measure. When set, only own guests count as load"),
});

const share = () => z.number().min(0).max(1);

const balance = z.strictObject({
  gainMin: z
    .number()
    .min(0)
    .max(1)
    .default(0.002)
    .describe("least gain that a move must bring beyond its cost, in units of the potential"),
  margin: share()
    .default(0.02)
    .describe("how far above the mean utilisation a host must be before it proposes, 0 to 1"),
  hotShare: share().default(0.9).describe("utilisation at which a host is hot, 0 to 1"),
  cooldownSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(60)
    .describe("rest of a guest after a move, s; doubles when it moves again soon"),
  memoryShareMax: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.9)
    .describe("share of a host's memory that guests may fill, 0.1 to 1"),
});

const services = z.strictObject({
  overlayDirectory: path()
    .nullable()
    .default(null)
    .describe(
      "folder of services' members' disks; null for members/ in the first of the storage roots",
    ),
  diskMaxGiB: z
    .number()
    .min(0)
    .max(2 ** 20)
    .default(64)
    .describe("disk that members of services may take together, GiB; 0 for no members"),
});

const loadSwitch = z.strictObject({
  haproxySocket: socketPath()
    .nullable()
    .default(null)
    .describe("admin socket of this host's HAProxy (stats socket … level admin); null for none"),
});

const log = z.strictObject({
  level: z
    .enum(["debug", "info", "warn", "error"])
    .default("info")
    .describe("least level that is logged"),
});

const settings = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/, "expected a host name")
    .nullable()
    .default(null)
    .describe("name that people see; null for the host's own"),
  stateDirectory: path()
    .default("/var/lib/evenkeel")
    .describe("folder of the journal and this host's identity; nobody else may enter it"),
  socket: socketPath()
    .default("/run/evenkeel/evenkeel.sock")
    .describe("socket of the command: all verbs, for its owner alone"),
  readSocket: socketPath()
    .nullable()
    .default(null)
    .describe("socket for reading only; null for read.sock (or NAME-read.sock) beside `socket`"),
  socketGroup: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "expected a group name")
    .nullable()
    .default(null)
    .describe("group that may use the reading socket; null for the agent's own"),
  keyFile: path()
    .nullable()
    .default(null)
    .describe("the cluster key; null for /etc/evenkeel/cluster.key, or the systemd credential"),
  peers: z
    .array(z.string().min(1).max(261))
    .max(256)
    .default([])
    .describe("HOST, HOST:PORT or multiaddr of some members, where multicast does not reach"),
  mdns: z.boolean().default(true).describe("find peers on the local segment by multicast DNS"),
  interface: interfaceName()
    .nullable()
    .default(null)
    .describe("network interface whose addresses are announced; null for all"),
  listen: listen.prefault({}).describe("where peers reach this agent"),
  migration: migration.prefault({}).describe("how guests are carried"),
  hypervisor: hypervisor.prefault({}).describe("what runs the guests"),
  capacity: capacity.prefault({}).describe("what guests may have of this host"),
  balance: balance.prefault({}).describe("when moving a guest is worth it"),
  services: services.prefault({}).describe("what this host has for services"),
  switch: loadSwitch.prefault({}).describe("what spreads the requests of services"),
  log: log.prefault({}).describe("what is logged"),
});

/** The schema of the whole file, with the relations between settings. */
export const configSchema = settings.superRefine((config, context) => {
  const { channelPortMin, channelPortMax } = config.listen;
  if (channelPortMax < channelPortMin || (channelPortMin === 0) !== (channelPortMax === 0)) {
    context.addIssue({
      code: "custom",
      path: ["listen", "channelPortMax"],
      message: `expected at least channelPortMin (${channelPortMin}), or 0 for both`,
      input: channelPortMax,
    });
  }
  const { overlayDirectory } = config.services;
  const { storageRoots } = config.hypervisor;
  if (overlayDirectory !== null && !storageRoots.some((root) => isUnder(overlayDirectory, root))) {
    context.addIssue({
      code: "custom",
      path: ["services", "overlayDirectory"],
      message: `expected a folder under one of hypervisor.storageRoots (${storageRoots.join(", ")})`,
      input: overlayDirectory,
    });
  }
  if (config.socket === config.readSocket) {
    context.addIssue({
      code: "custom",
      path: ["readSocket"],
      message: "expected another path than socket: the two differ in what they allow",
      input: config.readSocket,
    });
  }
});

/** By the paths' texts; where symbolic links lead is looked at when a guest starts. */
function isUnder(path: string, root: string): boolean {
  const below = relative(root, path);
  return below !== "" && below !== ".." && !below.startsWith("../");
}

/** The settings as the file gives them, with defaults filled in. */
export type Settings = z.output<typeof settings>;

/** One setting, for the README's table and for the test of the example file. */
export interface SettingDoc {
  /** Path in the file, for example `listen.port`. */
  readonly key: string;
  readonly default: unknown;
  readonly doc: string;
}

/** All settings in the order of the schema, sections opened. */
export function listSettings(): SettingDoc[] {
  return describeObject(settings, "");
}

function describeObject(object: z.ZodObject, prefix: string): SettingDoc[] {
  const defaults: Record<string, unknown> = object.parse({});
  return Object.entries(object.shape).flatMap(([name, field]) => {
    const key = `${prefix}${name}`;
    const inner = field instanceof z.ZodPrefault ? field.def.innerType : field;
    if (inner instanceof z.ZodObject) return describeObject(inner, `${key}.`);
    return [{ key, default: defaults[name], doc: descriptionOf(field) }];
  });
}

function descriptionOf(field: unknown): string {
  return field instanceof z.ZodType ? (field.description ?? "") : "";
}
