import type { MoveInput } from "./move-order.ts";

/**
 * Whether the target of a move that was aborted has promised that no copy there will ever run.
 * Until then an operator there, who has fenced the source, may let a whole copy run.
 */
export class TargetPromise {
  readonly #isRestored: boolean;
  #isGiven = false;

  /** @param isRestored after a restart nobody knows what was sent before it. */
  constructor(isRestored: boolean) {
    this.#isRestored = isRestored;
  }

  /** `refused` is durable at the target; one that knows nothing of the move holds nothing. */
  hear(input: MoveInput): void {
    if (input.type !== "message" || input.message.type !== "targetAnswer") return;
    const { answer } = input.message;
    if (answer === "refused" || answer === "unknown") this.#isGiven = true;
  }

  /** By the word of an operator who has fenced the target. */
  vouch(): void {
    this.#isGiven = true;
  }

  /** @param mayHaveSent bytes may have gone to the target in this life. */
  isOwed(mayHaveSent: boolean): boolean {
    return !this.#isGiven && (this.#isRestored || mayHaveSent);
  }
}
