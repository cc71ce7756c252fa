import type { View } from "../view/view.ts";

/** Of a first hello, ms: the news topic needs a moment to form; and where the others are new too. */
export const greetingMs = { first: 500, late: 2_500 } as const;
/**
 * Where most hosts are as new as this one, all start at once: hello waits, and is not said to more
 * than so many. They find each other by push-pull; the news of a thousand hellos would only delay it.
 */
const othersMin = 3;
const othersMax = 64;
/** A host that has published no more often has just started. */
const newcomerSeqMax = 3;

/** When a host says hello to everybody, so that a newcomer is known to all at once. */
export class Greeting {
  #waits = true;

  /** Asked when a hello is due; "later": ask again after `greetingMs.late`, once. */
  decide(view: View): "now" | "later" | "never" {
    const others = view.size - 1;
    if (others < othersMin || !startsWithTheOthers(view)) return "now";
    if (this.#waits) {
      this.#waits = false;
      return "later";
    }
    return others <= othersMax ? "now" : "never";
  }
}

function startsWithTheOthers(view: View): boolean {
  let newcomers = 0;
  for (const host of view.hosts()) {
    if ((view.summaryOf(host)?.record.seq ?? 0) <= newcomerSeqMax) newcomers += 1;
  }
  return newcomers > view.size / 2;
}
