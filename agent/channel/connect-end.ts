import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer, connect as openTcp, type Server, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { type Carried, carry } from "./carry.ts";
import { carrySeveral } from "./carry-several.ts";
import { CHANNEL_WELCOME, type ConnectOrder, channelTls } from "./channel-order.ts";
import { PouringSocket } from "./pouring-socket.ts";
import { DISK_MARK } from "./stream-kind.ts";

const REFUSED = "refused: is the key of this move the same?";

/**
 * Source end: connects to the first address that answers with the key of this move, then waits on
 * a UNIX socket for the hypervisor. `ready` is called when both stand. Where more connections than
 * one may come, each has a TLS connection of its own; the first takes the one that stands.
 */
export async function serveConnectEnd(order: ConnectOrder, ready: () => void): Promise<Carried> {
  const remote = await connectFirst(order);
  const lost = once(remote, "close").then(() => {
    throw new Error("the other host closed the channel before the hypervisor used it");
  });
  lost.catch(() => undefined);
  const server = await listenOn(order.socketPath);
  const { diskSocketPath } = order;
  const disks = diskSocketPath === null ? undefined : await listenOn(diskSocketPath);
  ready();
  if (order.connectionsMax > 1) return await serveSeveral(order, { server, disks, remote, lost });
  const local = readerOf(order, await Promise.race([acceptOne(server), lost]));
  return await carry(local, remote, order.bandwidthBytesPerSecond);
}

interface SeveralParts {
  readonly server: Server;
  readonly disks: Server | undefined;
  readonly remote: TLSSocket;
  readonly lost: Promise<never>;
}

async function serveSeveral(
  order: ConnectOrder,
  { server, disks, remote, lost }: SeveralParts,
): Promise<Carried> {
  let standing: TLSSocket | undefined = remote;
  const ofDisks = new WeakSet<Socket>();
  const carried = carrySeveral<Socket>(order.connectionsMax, async (local) => {
    const far = standing ?? (await connectFirst(order));
    standing = undefined;
    if (ofDisks.has(local)) far.write(DISK_MARK);
    return carry(local, far, order.bandwidthBytesPerSecond);
  });
  server.on("connection", (accepted: Socket) => carried.take(readerOf(order, accepted)));
  disks?.on("connection", (accepted: Socket) => {
    const local = readerOf(order, accepted);
    ofDisks.add(local);
    carried.take(local);
  });
  const begun = once(server, "connection");
  try {
    await Promise.race([begun, lost]);
    return await carried.ended;
  } finally {
    server.close();
    disks?.close();
  }
}

/** Under a cap what was read waits in a queue, where one block for all of it would not do. */
function readerOf({ bandwidthBytesPerSecond }: ConnectOrder, accepted: Socket): Socket {
  return bandwidthBytesPerSecond > 0 ? accepted : PouringSocket.over(accepted);
}

async function listenOn(path: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  rmSync(path, { force: true });
  server.listen(path);
  await once(server, "listening");
  return server;
}

async function connectFirst(order: ConnectOrder): Promise<TLSSocket> {
  const problems: string[] = [];
  for (const address of order.addresses) {
    try {
      return await connectTo(order, address);
    } catch (error) {
      problems.push(`${address}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`cannot reach the target on port ${order.port} (${problems.join("; ")})`);
}

function connectTo(order: ConnectOrder, address: string): Promise<TLSSocket> {
  const psk = Buffer.from(order.keyHex, "hex");
  const tcp = openTcp({
    host: address,
    port: order.port,
    ...(order.localAddress === null ? {} : { localAddress: order.localAddress }),
    allowHalfOpen: true,
  });
  const socket = connect({
    ...channelTls,
    socket: tcp,
    // No certificate is ever accepted in the key's place: the list of trusted ones is empty.
    ca: [],
    pskCallback: () => ({ psk, identity: order.moveId }),
    checkServerIdentity: () => undefined,
  });
  return new Promise((resolve, reject) => {
    const limit = setTimeout(
      () => socket.destroy(new Error(`no answer within ${order.connectMsMax} ms`)),
      order.connectMsMax,
    );
    socket.once("error", reject);
    socket.once("close", () => {
      clearTimeout(limit);
      reject(new Error(REFUSED));
    });
    welcomeOn(socket).then(() => {
      clearTimeout(limit);
      socket.off("error", reject);
      resolve(socket);
    }, reject);
  });
}

/** Resolves when the target has let this end in. */
async function welcomeOn(socket: TLSSocket): Promise<void> {
  await once(socket, "readable");
  const word: Buffer | null = socket.read(1);
  if (word?.[0] === CHANNEL_WELCOME) return;
  socket.destroy();
  throw new Error(REFUSED);
}

async function acceptOne(server: Server): Promise<Socket> {
  const [socket]: Socket[] = await once(server, "connection");
  // Closing also removes the socket's file.
  server.close();
  if (socket === undefined) throw new Error("no connection");
  return socket;
}
