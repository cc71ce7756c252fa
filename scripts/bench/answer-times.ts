import { createSocket } from "node:dgram";
import { setTimeout as pause } from "node:timers/promises";
import { deriveSecrets, readClusterKeyFile } from "#agent/store/cluster-key.ts";
import { HostKeys } from "#agent/transport/host-keys.ts";
import { ProbePackets } from "#agent/transport/probe-packets.ts";
import { quantile } from "#lib/base/stats.ts";
import type { HostId } from "#lib/model/ids.ts";
import { AgentFleet } from "../../test/support/agent-fleet.ts";
import { rounded } from "./figures.ts";

const PROBE_PORT = 7531;
/** Between an answer and the next question. */
const REST_MS = 20;
/** Longer counts as this: UDP may lose a packet. */
const PROBE_MS_MAX = 1000;
const GUESTS = 5;
/** Joins and first samples are no steady state. */
const SETTLE_MS = 3000;

export interface AnswerFigures {
  readonly statusMsP50: number;
  readonly statusMsP99: number;
  readonly probeMsP50: number;
  readonly probeMsP99: number;
  readonly asked: number;
}

/** One real agent with simulated guests, asked over its status socket and by probes. */
export class AnswerTimes {
  readonly #fleet = new AgentFleet({
    count: 1,
    network: "loopback",
    settings: { hypervisor: { driver: "sim" }, log: { level: "warn" } },
  });
  readonly #packets: ProbePackets;
  readonly #socket = createSocket("udp4");
  #host: HostId = "";
  #nonce = 0;

  constructor() {
    const { probeKey } = deriveSecrets(readClusterKeyFile(this.#fleet.keyFile));
    const self = new HostKeys(new Uint8Array(32).fill(1)).host;
    this.#packets = new ProbePackets({ self, key: probeKey, salt: Date.now() });
  }

  async start(): Promise<void> {
    const host = this.#fleet.host(1);
    await host.start();
    this.#host = (await host.api.status()).host;
    for (let number = 1; number <= GUESTS; number += 1) {
      await host.api.post("/v1/vms", { name: `web-${number}`, memory: "128MiB" });
      await host.api.post(`/v1/vms/web-${number}/start`);
    }
    await pause(SETTLE_MS);
  }

  /** Asks both ways for so long, one question at a time of each. */
  async measure(seconds: number): Promise<AnswerFigures> {
    const endMs = performance.now() + seconds * 1000;
    const [status, probe] = await Promise.all([
      timesOf(endMs, () => this.#fleet.host(1).api.status()),
      timesOf(endMs, () => this.#probe()),
    ]);
    const at = (times: readonly number[], share: number) => rounded(quantile(times, share));
    return {
      statusMsP50: at(status, 0.5),
      statusMsP99: at(status, 0.99),
      probeMsP50: at(probe, 0.5),
      probeMsP99: at(probe, 0.99),
      asked: status.length + probe.length,
    };
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#fleet.close();
  }

  /** Resolves when the ack is there, or is given up. */
  async #probe(): Promise<void> {
    this.#nonce += 1;
    const nonce = this.#nonce;
    const probe = { type: "probe", nonce, incarnation: 0, suspected: false } as const;
    const answered = Promise.withResolvers<void>();
    const take = (packet: Uint8Array) => {
      const opened = this.#packets.open(packet);
      if (typeof opened === "string" || opened.message.type !== "ack") return;
      if (opened.message.nonce === nonce) answered.resolve();
    };
    const timer = setTimeout(() => answered.resolve(), PROBE_MS_MAX);
    this.#socket.on("message", take);
    this.#socket.send(this.#packets.seal(this.#host, probe), PROBE_PORT, this.#fleet.addressOf(1));
    await answered.promise;
    clearTimeout(timer);
    this.#socket.off("message", take);
  }
}

async function timesOf(endMs: number, ask: () => Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = [];
  while (performance.now() < endMs) {
    const sinceMs = performance.now();
    await ask();
    times.push(performance.now() - sinceMs);
    await pause(REST_MS);
  }
  return times;
}
