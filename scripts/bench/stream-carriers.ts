import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ChannelProcess } from "#agent/channel/channel-process.ts";
import { plainDoor } from "#agent/ports/channel.ts";
import { deriveSecrets, generateClusterKey } from "#agent/store/cluster-key.ts";
import { eventually } from "../../test/support/eventually.ts";
import { freePort } from "../../test/support/free-port.ts";
import { loopbackChannel } from "../../test/support/loopback-channel.ts";
import type { StreamPair } from "./stream-pair.ts";

const HOST = "127.0.0.1";
const MOVE = "bench.1.0123456789abcdef";
/** The cipher of evenkeel's channel, which OpenSSL would not choose by itself. */
const OPENSSL_CONF = `openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = default
[default]
Ciphersuites = TLS_AES_128_GCM_SHA256
`;

/** What carries a stream; its processes are those between the two programs. */
export interface Carrier {
  readonly pids: readonly number[];
  close(): Promise<void>;
}

/** Leads the pair's stream through something of its own; `folder`: for its files. */
export type OpenCarrier = (pair: StreamPair, folder: string) => Promise<Carrier>;

/** No carrier at all: the two programs talk TCP. */
export const openTcp: OpenCarrier = async (pair) => {
  pair.pour({ port: await pair.drink({ port: 0 }) });
  return { pids: [], close: async () => undefined };
};

/** Both ends' channels as the agents have them, on loopback; `entry`: null for the sources'. */
export function makeChannels(
  folder: string,
  entry: string | null = null,
): Record<"source" | "target", ChannelProcess> {
  const { channelKey } = deriveSecrets(generateClusterKey());
  const from = entry === null ? {} : { entry };
  const make = (name: string) =>
    loopbackChannel({ channelKey, socketDirectory: join(folder, name), ...from });
  return { source: make("source-channel"), target: make("target-channel") };
}

/** The two processes that the agents of two hosts start for a move. */
export const openChannel: OpenCarrier = async (pair, folder) => {
  const incoming = join(folder, "incoming.sock");
  const { source, target } = makeChannels(folder);
  const close = async () => {
    await Promise.all([source.stop(), target.stop()]);
  };
  try {
    await pair.drink({ path: incoming });
    const { port } = await target.listen(MOVE, { socketPath: incoming });
    const route = { addresses: [HOST], port, door: plainDoor };
    pair.pour({ path: (await source.connect(MOVE, route)).socketPath });
  } catch (error) {
    await close();
    throw error;
  }
  return { pids: [...source.pids(), ...target.pids()], close };
};

/** The same shape made of two socats; `blockBytes`: null for socat's own 8 KiB. */
export function socatCarrier(blockBytes: number | null): OpenCarrier {
  return async (pair, folder) => {
    const [incoming, outgoing] = [join(folder, "incoming.sock"), join(folder, "outgoing.sock")];
    await pair.drink({ path: incoming });
    const socats = await openSocats({ folder, incoming, outgoing, blockBytes });
    pair.pour({ path: outgoing });
    return socats;
  };
}

export interface SocatOrder {
  /** For their certificate. */
  readonly folder: string;
  /** UNIX socket that somebody waits on when the first byte comes. */
  readonly incoming: string;
  /** UNIX socket that they make. */
  readonly outgoing: string;
  /** Null for socat's own 8 KiB. */
  readonly blockBytes: number | null;
}

/** Two socats with TLS between two UNIX sockets; resolves when they wait. */
export async function openSocats(order: SocatOrder): Promise<Carrier> {
  const { folder, incoming, outgoing, blockBytes } = order;
  const port = await freePort();
  const { certificate, key, environment } = throwAwayTls(folder);
  const block = blockBytes === null ? [] : ["-b", String(blockBytes)];
  const run = (...ends: readonly string[]) =>
    spawn("socat", [...block, ...ends], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, ...environment },
    });
  const tls = `OPENSSL-LISTEN:${port},bind=${HOST},cert=${certificate},key=${key},verify=0`;
  const target = run(tls, `UNIX-CONNECT:${incoming}`);
  const far = `OPENSSL:${HOST}:${port},cafile=${certificate},commonname=bench`;
  const source = run(`UNIX-LISTEN:${outgoing},mode=666`, `${far},retry=50,interval=0.1`);
  const close = async () => {
    await Promise.all([source, target].map(ended));
  };
  try {
    await eventually("socat listens", async () => existsSync(outgoing));
  } catch (error) {
    await close();
    throw error;
  }
  return { pids: [source, target].flatMap(({ pid }) => pid ?? []), close };
}

function throwAwayTls(folder: string) {
  const [certificate, key] = [join(folder, "bench.crt"), join(folder, "bench.key")];
  const configuration = join(folder, "openssl.cnf");
  writeFileSync(configuration, OPENSSL_CONF);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const subject = ["-x509", "-days", "1", "-subj", "/CN=bench"];
  execFileSync("openssl", ["req", ...subject, ...curve, "-keyout", key, "-out", certificate], {
    stdio: "pipe",
  });
  return { certificate, key, environment: { OPENSSL_CONF: configuration } };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
