/** Monotonic time and one-shot timers; the only source of time in the agent. */
export interface Clock {
  /** Monotonic ms since an arbitrary start; goes on while the machine is suspended where it can. */
  nowMs(): number;
  /** Ms since 1970, for what people read; never for decisions. */
  wallMs(): number;
  /** Calls `wake` once after `delayMs`; returns how to forget it. */
  after(delayMs: number, wake: () => void): () => void;
}
