import { once } from "node:events";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { type Carried, carry } from "./carry.ts";
import { carrySeveral } from "./carry-several.ts";
import { CHANNEL_WELCOME, channelTls, type ListenOrder } from "./channel-order.ts";
import { streamKind } from "./stream-kind.ts";

/** Strangers may knock, but not fill the process with half-open handshakes. */
const CONNECTIONS_MAX = 64;
const HANDSHAKE_MS_MAX = 5000;
/** Of a guest's memory in this process, on its way to the hypervisor. */
const GATHERED_BYTES = 512 << 10;

/**
 * Target end: listens and connects to the hypervisor; lets exactly one connection in that proves
 * the key of this move, and leads it to the hypervisor. `ready` is called with the port.
 *
 * The hypervisor's side stands before the source is told the port: whenever this process dies, its
 * stream then breaks, and the waiting copy ends at once, also when the source never got through.
 */
export async function serveListenEnd(
  order: ListenOrder,
  ready: (port: number) => void,
): Promise<Carried> {
  const server = createChannelServer(order);
  if (order.controlPath !== null) return await serveSeveral(order, server, ready);
  const accepted = firstConnection(server);
  await listenInRange(server, order);
  const local = await connectHypervisor(order.socketPath);
  ready(portOf(server));
  const remote = await Promise.race([accepted, lossOf(local)]);
  server.close();
  remote.write(Buffer.of(CHANNEL_WELCOME));
  return await carry(local, remote, order.bandwidthBytesPerSecond);
}

/**
 * For a hypervisor with a daemon: every connection with the key of this move goes to where its first
 * bytes belong. Nothing waits here beforehand: the daemon's own talk makes the copy, and ends it.
 */
async function serveSeveral(
  order: ListenOrder,
  server: Server,
  ready: (port: number) => void,
): Promise<Carried> {
  const carried = carrySeveral<TLSSocket>(order.connectionsMax, async (remote) => {
    remote.write(Buffer.of(CHANNEL_WELCOME));
    const kind = await streamKind(remote);
    const paths = { memory: order.socketPath, control: order.controlPath, disk: order.diskPath };
    const path = paths[kind];
    if (path === null) throw new Error(`a connection for a ${kind} came that nobody waits for`);
    const local = await connectHypervisor(path);
    return carry(local, remote, order.bandwidthBytesPerSecond);
  });
  server.on("secureConnection", (remote) => carried.take(remote));
  await listenInRange(server, order);
  const failed = new Promise<never>((_resolve, reject) => {
    server.on("error", reject);
  });
  ready(portOf(server));
  try {
    return await Promise.race([carried.ended, failed]);
  } finally {
    server.close();
  }
}

async function connectHypervisor(path: string): Promise<Socket> {
  const local = openGathering(path);
  try {
    await once(local, "connect");
  } catch (cause) {
    throw new Error(`no hypervisor waits on ${path}`, { cause });
  }
  return local;
}

/** What takes half a megabyte at once is asked to wait, and woken again, far less often. */
function openGathering(path: string): Socket {
  const options = { path, allowHalfOpen: true, writableHighWaterMark: GATHERED_BYTES };
  return createConnection(options);
}

/** Rejects when the hypervisor hangs up before the source has come. */
async function lossOf(local: Socket): Promise<never> {
  await once(local, "close");
  throw new Error("the hypervisor closed its socket before the source connected");
}

function createChannelServer(order: ListenOrder): Server {
  const key = Buffer.from(order.keyHex, "hex");
  const server = createServer({
    ...channelTls,
    allowHalfOpen: true,
    handshakeTimeout: HANDSHAKE_MS_MAX,
    pskCallback: (_socket, identity) => (identity === order.moveId ? key : null),
  });
  server.maxConnections = CONNECTIONS_MAX;
  // A handshake that fails is a stranger's or a scanner's: the right one may still come.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

/** The first connection with the right key; every later one is turned away. */
function firstConnection(server: Server): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    let isTaken = false;
    server.on("secureConnection", (socket) => {
      if (isTaken) {
        socket.destroy();
        return;
      }
      isTaken = true;
      resolve(socket);
    });
    server.on("error", reject);
  });
}

/** Takes the first free port of the range; throws the last error when there is none. */
async function listenInRange(server: Server, order: ListenOrder): Promise<void> {
  const { address, portMin, portMax } = order;
  for (let port = portMin; ; port += 1) {
    try {
      server.listen({ host: address, port, exclusive: true });
      await once(server, "listening");
      return;
    } catch (error) {
      if (!isPortTaken(error)) throw error;
      if (port >= portMax) {
        const range = `${portMin} to ${portMax} on ${address}`;
        throw new Error(`no free port from ${range}`, { cause: error });
      }
    }
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
