import type { Carried } from "./carry.ts";

/** A connection that can be refused. */
interface Connection {
  destroy(): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

export interface SeveralCarried<Near> {
  /** Begins to carry one more; over the limit it is broken at once. */
  take(near: Near): void;
  /** Resolves with the sums when the last of them has ended; rejects then with the first failure. */
  readonly ended: Promise<Carried>;
}

/**
 * Carries up to `connectionsMax` connections side by side, each with its own back-pressure. One that
 * fails is broken alone: what that means for the others is for the hypervisors to say, who hold
 * the other ends. It is over when none is open any more.
 */
export function carrySeveral<Near extends Connection>(
  connectionsMax: number,
  carryOne: (near: Near) => Promise<Carried>,
): SeveralCarried<Near> {
  const ended = Promise.withResolvers<Carried>();
  // Nobody may be waiting when it fails.
  ended.promise.catch(() => undefined);
  let [taken, open] = [0, 0];
  let failure: unknown;
  let sum: Carried = { sentBytes: 0, receivedBytes: 0 };
  const over = () => {
    open -= 1;
    if (open > 0) return;
    if (failure === undefined) ended.resolve(sum);
    else ended.reject(failure);
  };
  const take = (near: Near) => {
    near.on("error", () => near.destroy());
    if (taken >= connectionsMax) {
      near.destroy();
      return;
    }
    [taken, open] = [taken + 1, open + 1];
    carryOne(near)
      .then(
        ({ sentBytes, receivedBytes }) => {
          sum = {
            sentBytes: sum.sentBytes + sentBytes,
            receivedBytes: sum.receivedBytes + receivedBytes,
          };
        },
        (error: unknown) => {
          failure ??= error;
          near.destroy();
        },
      )
      .finally(over);
  };
  return { take, ended: ended.promise };
}
