import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join, resolve as resolvePath } from "node:path";
import type { z } from "zod";
import type { Config, KeySource } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { fileExists, readYaml, type YamlFile } from "./read-yaml.ts";
import { configSchema, type Settings, SOCKET_PATH_LENGTH_MAX } from "./schema.ts";

const CONFIG_PATH_DEFAULT = "/etc/evenkeel/evenkeel.yaml";
const KEY_PATH_DEFAULT = "/etc/evenkeel/cluster.key";
const CREDENTIAL_NAME = "cluster.key";
/** Of LoadCredential=etc:/etc/evenkeel, for an agent that may not enter the folder itself. */
const ETC_CONFIG_NAME = "etc_evenkeel.yaml";
const ETC_KEY_NAME = "etc_cluster.key";
const FILE_BYTES_MAX = 256 * 1024;

/** Settings that the command line may give; each wins over the file. */
export interface ConfigFlags {
  readonly name?: string | undefined;
  readonly stateDirectory?: string | undefined;
  readonly socket?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly logLevel?: string | undefined;
}

export interface LoadConfigOptions {
  readonly flags?: ConfigFlags;
  /** The file; undefined for systemd's credential, else /etc/evenkeel/evenkeel.yaml, which may be missing. */
  readonly path?: string | undefined;
  /** For $CREDENTIALS_DIRECTORY; the process's own by default. */
  readonly environment?: Environment;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** How each flag is written, and the setting that it overrules. */
const FLAGS: Readonly<Record<keyof ConfigFlags, { flag: string; key: readonly string[] }>> = {
  name: { flag: "--name", key: ["name"] },
  stateDirectory: { flag: "--state-dir", key: ["stateDirectory"] },
  socket: { flag: "--socket", key: ["socket"] },
  keyFile: { flag: "--key", key: ["keyFile"] },
  logLevel: { flag: "--log-level", key: ["log", "level"] },
};

/**
 * Reads file and flags into a frozen Config. Throws ConfigError with one line that names the file
 * (or flag), the line, the key and the value.
 */
export function loadConfig(options: LoadConfigOptions): Config {
  const environment = options.environment ?? process.env;
  const file = loadFile(options.path ?? credentialOf(ETC_CONFIG_NAME, environment));
  const flags = options.flags ?? {};
  const parsed = configSchema.safeParse(overlay(file.value, flags));
  if (!parsed.success) throw new ConfigError(explainIssue(parsed.error, file, flags));
  return deepFreeze(resolve(parsed.data, environment));
}

function loadFile(path: string | undefined): YamlFile {
  const chosen = path ?? CONFIG_PATH_DEFAULT;
  try {
    if (path === undefined && !fileExists(chosen)) {
      return { path: chosen, value: {}, lineOf: () => undefined };
    }
    return readYaml(chosen, readFileSync(chosen, "utf8"), FILE_BYTES_MAX);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${chosen}: cannot read the configuration: ${message}`, { cause });
  }
}

function overlay(value: Record<string, unknown>, flags: ConfigFlags): Record<string, unknown> {
  const { name, logLevel } = flags;
  const paths = {
    stateDirectory: absolute(flags.stateDirectory),
    socket: absolute(flags.socket),
    keyFile: absolute(flags.keyFile),
  };
  const given = Object.entries({ name, ...paths }).filter(([, text]) => text !== undefined);
  const merged = { ...value, ...Object.fromEntries(given) };
  if (logLevel === undefined) return merged;
  const log = value["log"] ?? {};
  // A `log` that is not a section stays as it is, to be refused by the schema.
  return typeof log === "object" ? { ...merged, log: { ...log, level: logLevel } } : merged;
}

/** Paths on the command line are meant from where it is typed; an empty one is left to be refused. */
function absolute(path: string | undefined): string | undefined {
  return path ? resolvePath(path) : path;
}

/** One line for the first problem: the admin mends one at a time. */
function explainIssue(error: z.ZodError, file: YamlFile, flags: ConfigFlags): string {
  const [issue] = error.issues;
  if (issue === undefined) return `${file.path}: cannot be used`;
  const unknownKey = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...issue.path, ...unknownKey].filter((part) => typeof part !== "symbol");
  const key = path.join(".");
  const flag = flagOf(path, flags);
  const line = file.lineOf(path);
  const place = flag ?? `${file.path}${line === undefined ? "" : `:${line}`}: ${key || "(file)"}`;
  if (issue.code === "unrecognized_keys") {
    return `${place}: unknown setting: remove it, or see evenkeel.yaml for the known ones`;
  }
  const shown = JSON.stringify(valueAt(overlay(file.value, flags), path)) ?? "nothing";
  return `${place}: ${issue.message} (found ${shown.slice(0, 200)})`;
}

function flagOf(path: readonly (string | number)[], flags: ConfigFlags): string | undefined {
  const found = Object.entries(FLAGS).find(
    ([name, { key }]) =>
      key.join(".") === path.join(".") &&
      Object.entries(flags).some(([n, v]) => n === name && v !== undefined),
  );
  return found?.[1].flag;
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === "object" && inner !== null ? Reflect.get(inner, part) : undefined,
    value,
  );
}

function resolve(settings: Settings, environment: Environment): Config {
  const [storageRoot] = settings.hypervisor.storageRoots;
  return {
    ...settings,
    name: settings.name ?? hostname(),
    readSocket: settings.readSocket ?? readSocketBeside(settings.socket),
    keyFile: keySource(settings.keyFile, environment),
    hypervisor: {
      ...settings.hypervisor,
      guestDirectory: settings.hypervisor.guestDirectory ?? settings.stateDirectory,
    },
    services: {
      ...settings.services,
      overlayDirectory:
        settings.services.overlayDirectory ??
        (storageRoot === undefined ? null : join(storageRoot, "members")),
    },
  };
}

/** A named file wins; then systemd's credential; then the usual place, which may be empty. */
function keySource(named: string | null, environment: Environment): KeySource {
  if (named !== null) return { path: named, required: true, isCredential: false };
  const credential = credentialOf(CREDENTIAL_NAME, environment);
  if (credential !== undefined) return { path: credential, required: true, isCredential: true };
  const etc = credentialOf(ETC_CONFIG_NAME, environment);
  if (etc === undefined) return { path: KEY_PATH_DEFAULT, required: false, isCredential: false };
  return { path: join(dirname(etc), ETC_KEY_NAME), required: false, isCredential: true };
}

/** Where systemd has put what it read for the agent; undefined where it was told of no such thing. */
function credentialOf(name: string, environment: Environment): string | undefined {
  const folder = environment["CREDENTIALS_DIRECTORY"];
  if (folder === undefined) return undefined;
  const path = join(folder, name);
  return fileExists(path) ? path : undefined;
}

function readSocketBeside(socket: string): string {
  const name = basename(socket, ".sock");
  const path = join(dirname(socket), name === "evenkeel" ? "read.sock" : `${name}-read.sock`);
  if (path.length <= SOCKET_PATH_LENGTH_MAX) return path;
  throw new ConfigError(
    `${path}: too long for a socket (${path.length} characters, at most ` +
      `${SOCKET_PATH_LENGTH_MAX}): set readSocket to a shorter path`,
  );
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
