/**
 * One end of a stream, as a process of its own, standing in for a hypervisor.
 *
 * Responsible for: pouring bytes into a socket as fast as they are taken, or drinking what comes.
 * How: the parent says in one message which; a drinking end answers with its port, and each
 * further message with the number of bytes that came so far.
 * It never looks at the bytes, and ends with its parent.
 */
import { randomBytes } from "node:crypto";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";

const BLOCK_BYTES = 1 << 20;
const HOST = "127.0.0.1";

/** `path`: a UNIX socket; `port`: TCP on loopback, 0 for any. */
export type StreamOrder =
  | { readonly end: "pour"; readonly path: string }
  | { readonly end: "pour"; readonly port: number }
  | { readonly end: "drink"; readonly path: string }
  | { readonly end: "drink"; readonly port: number };

export type StreamAnswer = { readonly port: number } | { readonly receivedBytes: number };

let receivedBytes = 0;

process.once("message", (order: StreamOrder) => {
  if (order.end === "pour") pour(order);
  else drink(order);
});
process.once("disconnect", () => process.exit(0));

function pour(order: StreamOrder): void {
  const socket = createConnection("path" in order ? { ...order } : { ...order, host: HOST });
  const block = randomBytes(BLOCK_BYTES);
  const fill = () => {
    while (socket.write(block));
  };
  socket.on("connect", fill);
  socket.on("drain", fill);
  // The carrier is killed under way when the measurement is over.
  socket.on("error", () => undefined);
  socket.resume();
}

function drink(order: StreamOrder): void {
  const server = createServer((socket: Socket) => {
    socket.on("data", (chunk) => {
      receivedBytes += chunk.length;
    });
    socket.on("error", () => undefined);
  });
  server.listen("path" in order ? { path: order.path } : { port: order.port, host: HOST }, () => {
    const address: AddressInfo | string | null = server.address();
    answer({ port: typeof address === "object" && address ? address.port : 0 });
  });
  process.on("message", () => answer({ receivedBytes }));
}

function answer(message: StreamAnswer): void {
  process.send?.(message);
}
