import type { Stream } from "@libp2p/interface";

/** What a yamux stream has besides the interface; checked, for another muxer may lack it. */
interface YamuxReceiver {
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate: () => void;
}

/**
 * Lets a yamux stream tell its peer about room only once half of its window is used, as other
 * implementations do. By itself it answers every frame with a window update: one more packet to
 * write, encrypt, send, receive and decrypt for each small frame of gossip. On any other stream
 * it does nothing.
 */
export function thinOutWindowUpdates(stream: Stream): void {
  const candidate: unknown = stream;
  if (!isYamuxReceiver(candidate)) return;
  const receiver = candidate;
  const update = receiver.sendWindowUpdate.bind(receiver);
  receiver.sendWindowUpdate = () => {
    if (receiver.recvWindowCapacity <= receiver.recvWindow / 2) update();
  };
}

function isYamuxReceiver(candidate: unknown): candidate is YamuxReceiver {
  if (typeof candidate !== "object" || candidate === null) return false;
  const fields = candidate as Partial<YamuxReceiver>;
  return (
    typeof fields.recvWindow === "number" &&
    typeof fields.recvWindowCapacity === "number" &&
    typeof fields.sendWindowUpdate === "function"
  );
}
