/** Transports in network namespaces on one bridge: finding each other, and finding back. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { canMakeNamespaces, NetworkNamespaces } from "../support/network-namespaces.ts";

/** The figure to reach is 3 s from the last start to all knowing all; tests allow five times it. */
const JOIN_MS_MAX = 5 * 3_000;
/** The figure to reach after a cut is 10 s. */
const HEAL_MS_MAX = 5 * 10_000;

interface HostState {
  readonly host: string;
  readonly addresses: readonly string[];
  readonly peers: readonly string[];
  readonly log: readonly string[];
}

class HostProcess {
  state: HostState | undefined;
  readonly startedMs = performance.now();
  readonly #child: ChildProcess;

  constructor(network: NetworkNamespaces, i: number, clusterKey: string) {
    const script = [process.execPath, "test/fixtures/transport-host.ts", `${i}`, clusterKey];
    const { file, args } = network.commandOn(i, script);
    this.#child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    if (!this.#child.stdout) throw new Error("no output to read");
    createInterface(this.#child.stdout).on("line", (line) => {
      this.state = JSON.parse(line);
    });
  }

  get peerCount(): number {
    return this.state?.peers.length ?? -1;
  }

  get saysWhy(): boolean {
    return this.state?.log.some((line) => line.includes("evenkeel key fingerprint")) ?? false;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.kill("SIGKILL")) await ended;
  }
}

describe.skipIf(!canMakeNamespaces())("mDNS between hosts", () => {
  const network = new NetworkNamespaces(`ekt${process.pid % 1000}`, 4);
  let hosts: HostProcess[] = [];

  beforeEach(() => network.up());

  afterEach(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    hosts = [];
    network.down();
  });

  function startHost(i: number, clusterKey: string): HostProcess {
    const host = new HostProcess(network, i, clusterKey);
    hosts.push(host);
    return host;
  }

  it("joins three without configuration, and finds back after a cut", async () => {
    const three = [1, 2, 3].map((i) => startHost(i, "K"));
    const peerCounts = (): number[] => three.map((host) => host.peerCount);
    await eventually("joined", async () => peerCounts().every((count) => count === 2));
    const joinedMs = performance.now() - Math.max(...three.map((host) => host.startedMs));
    console.log(`three hosts joined ${Math.round(joinedMs)} ms after the last start`);
    expect(joinedMs).toBeLessThan(JOIN_MS_MAX);
    expect(three[0]?.state?.addresses[0]).toMatch(/^\/ip4\/10\.98\.0\.1\/tcp\//);

    network.setLink(3, "down");
    await eventually("the cut is noticed", async () => peerCounts().join() === "1,1,0");
    network.setLink(3, "up");
    const healedMs = performance.now();
    await eventually("found back", async () => peerCounts().every((count) => count === 2));
    const waitedMs = performance.now() - healedMs;
    console.log(`found back ${Math.round(waitedMs)} ms after the cut ended`);
    expect(waitedMs).toBeLessThan(HEAL_MS_MAX);
  });

  it("keeps agents of another key, or of none, apart and lets all say why", async () => {
    const members = [1, 2].map((i) => startHost(i, "K"));
    await eventually("joined", async () => members.every((host) => host.peerCount === 1));
    const stranger = startHost(3, "other");
    await eventually("the stranger says why", async () => stranger.saysWhy);
    const open = startHost(4, "-");
    await eventually("all say why", async () => hosts.every((host) => host.saysWhy));
    expect(members.map((host) => host.peerCount)).toEqual([1, 1]);
    expect([stranger, open].map((host) => host.peerCount)).toEqual([0, 0]);
    expect(open.state?.log[0]).toContain("unlike this host");
  });

  it("joins agents without a key in the open", async () => {
    const three = [1, 2, 3].map((i) => startHost(i, "-"));
    await eventually("joined", async () => three.every((host) => host.peerCount === 2));
  });
});
