import type { ChildProcess } from "node:child_process";
import { chownSync, copyFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatClusterKey, generateClusterKey } from "#agent/store/cluster-key.ts";
import { AgentHost } from "./agent-host.ts";
import { eventually } from "./eventually.ts";
import { startGuard } from "./fleet-guard.ts";
import { type FleetSerialCounts, fleetSerialCounts } from "./fleet-serial-counts.ts";
import { NetworkNamespaces } from "./network-namespaces.ts";

/** Default TCP and UDP port of an agent: each host has an address of its own, so all may have it. */
const PORT = 7531;

export interface FleetOptions {
  readonly count: number;
  /**
   * Each host in a network namespace of its own (`bridges`: with a bridge `br0` for its guests), or
   * all on loopback with an address each.
   */
  readonly network: "namespaces" | "bridges" | "loopback";
  /** False: no host gets a key. */
  readonly keyed?: boolean;
  /** Settings for every host; absent (and only in namespaces): no configuration file at all. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** More settings for one host, numbered from 1; they replace whole sections. `folder`: the fleet's. */
  readonly settingsOf?: (number: number, folder: string) => Readonly<Record<string, unknown>>;
  /** The checkout's sources (default) or the bundle in dist/. */
  readonly from?: "source" | "bundle";
  readonly environment?: Readonly<Record<string, string>>;
  /** Number of the user that a host's agent runs as, by `enter`'s last words; undefined for root. */
  readonly ownerOf?: (number: number) => number | undefined;
  /** Words that lead a command into more of a host than its network, asked when it is run. */
  readonly enter?: (number: number) => readonly string[];
}

/** How a host differs from the others of its fleet. */
export interface HostChanges {
  readonly name?: string;
  readonly keyFile?: string | null;
  /** More words for the agent's command line. */
  readonly flags?: readonly string[];
  /** A command that runs the agent, for example with fewer rights. */
  readonly prefix?: readonly string[];
}

let fleetsMade = 0;

/**
 * Real agents on this machine, each with a state directory, a socket and a log of its own.
 * A guard process removes everything (agents, guests, namespaces, mounts, folder) when `close` is
 * called or this process ends in whatever way. Names of hosts: n1, n2 …
 */
export class AgentFleet {
  readonly folder: string;
  readonly keyFile: string;
  readonly hosts: readonly AgentHost[];
  readonly #options: FleetOptions;
  readonly #namespaces: NetworkNamespaces | null;
  readonly #addressPrefix: string;
  readonly #guard: ChildProcess;

  constructor(options: FleetOptions) {
    fleetsMade += 1;
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), "ek-"));
    this.keyFile = this.writeKey("key");
    // Two fleets on one machine must not meet on loopback.
    this.#addressPrefix = `127.${1 + (process.pid % 250)}.${fleetsMade % 250}`;
    const prefix = `ek${process.pid}${String.fromCharCode(96 + (fleetsMade % 26 || 26))}`;
    const namespaced = options.network !== "loopback";
    const bridged = options.network === "bridges";
    this.#guard = startGuard(this.folder, namespaced ? prefix : "");
    this.#namespaces = namespaced ? new NetworkNamespaces(prefix, options.count, bridged) : null;
    this.#namespaces?.up();
    this.hosts = Array.from({ length: options.count }, (_, i) => this.makeHost(i + 1));
  }

  /** The host of this number, from 1. */
  host(number: number): AgentHost {
    const host = this.hosts[number - 1];
    if (!host) throw new Error(`the fleet has no host ${number}`);
    return host;
  }

  /** A host that is not started with the others; by default like them. */
  makeHost(number: number, changes: HostChanges = {}): AgentHost {
    const { from = "source", keyed = true, environment = {}, ownerOf } = this.#options;
    const owner = ownerOf?.(number);
    const ownKey = keyed ? this.#keyFor(owner) : null;
    const { name = `n${number}`, keyFile = ownKey, flags = [], prefix = [] } = changes;
    return new AgentHost({
      folder: this.folder,
      name,
      keyFile,
      flags,
      settings: this.#settingsOf(number),
      from,
      environment,
      ...(owner === undefined ? {} : { owner }),
      commandOn: (command) =>
        this.commandOn(number, [...(this.#options.enter?.(number) ?? []), ...prefix, ...command]),
    });
  }

  /** Writes a fresh cluster key into the folder; resolves to its path. */
  writeKey(name: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, `${formatClusterKey(generateClusterKey())}\n`, { mode: 0o600 });
    return path;
  }

  /** The key as a user may read it, and the folder as it may make its sockets in it. */
  #keyFor(owner: number | undefined): string {
    if (owner === undefined) return this.keyFile;
    const path = `${this.keyFile}-${owner}`;
    copyFileSync(this.keyFile, path);
    for (const each of [path, this.folder]) chownSync(each, owner, owner);
    return path;
  }

  /** Starts all at once and waits until each answers. */
  async startAll(): Promise<void> {
    for (const host of this.hosts) if (!host.running) host.spawn();
    await Promise.all(this.hosts.map((host) => host.answers()));
  }

  /** Until every running agent sees exactly the running ones alive; how long it took, ms. */
  joined(limitMs = 30_000): Promise<number> {
    const running = this.hosts.filter((host) => host.running);
    const names = running.map(({ name }) => name).sort();
    const holds = async () => {
      const lists = await Promise.all(running.map((host) => aliveNames(host)));
      return lists.every((list) => list.join() === names.join());
    };
    return eventually(`all see ${names.join(", ")} alive`, holds, { limitMs });
  }

  /** The command that runs `command` on a host. */
  commandOn(number: number, command: readonly string[]): { file: string; args: readonly string[] } {
    const [file = "", ...args] = command;
    return this.#namespaces?.commandOn(number, command) ?? { file, args };
  }

  addressOf(number: number): string {
    return this.#namespaces ? `10.98.0.${number}` : `${this.#addressPrefix}.${number}`;
  }

  /** Cuts a host off from all others, in both directions. Needs namespaces. */
  cut(number: number): void {
    this.#links().setLink(number, "down");
  }

  heal(number: number): void {
    this.#links().setLink(number, "up");
  }

  /** What one VM counted on the serial lines of all hosts, in the order of its counts. */
  serialCounts(vm: string): Promise<FleetSerialCounts> {
    return fleetSerialCounts(this.hosts.map((host) => host.serialPath(vm)));
  }

  /** Ends and removes everything. Safe to call twice. */
  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.kill()));
    if (this.#guard.exitCode !== null) return;
    const gone = new Promise((settle) => this.#guard.once("exit", settle));
    this.#guard.ref();
    this.#guard.stdin?.end();
    await gone;
  }

  #settingsOf(number: number): Readonly<Record<string, unknown>> | null {
    const { settings, settingsOf, network, count } = this.#options;
    const own = settingsOf?.(number, this.folder);
    if (network !== "loopback") {
      return settings === undefined && own === undefined ? null : { ...settings, ...own };
    }
    const peers = Array.from({ length: count }, (_, i) => `${this.addressOf(i + 1)}:${PORT}`);
    const listen = { address: this.addressOf(number) };
    return { listen, mdns: false, peers, ...settings, ...own };
  }

  #links(): NetworkNamespaces {
    if (!this.#namespaces) throw new Error("links can be cut between namespaces only");
    return this.#namespaces;
  }
}

/** Names of the members that an agent holds to be alive, sorted. */
export async function aliveNames(host: AgentHost): Promise<readonly string[]> {
  const members = await host.api.members();
  return members
    .filter((member) => member.state === "alive")
    .map(({ name }) => name)
    .sort();
}
