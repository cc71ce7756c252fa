import type { Prng } from "../base/prng.ts";
import type { Membership } from "../membership/membership.ts";
import type { HostRecord } from "../model/record.ts";
import { isServiceDocument } from "../services/service-document.ts";
import type { View } from "../view/view.ts";
import type { DeltaMessage, DigestMessage } from "../wire/messages.ts";

export interface GossipMessagesOptions {
  /** In the open no documents are told or asked for. */
  readonly keyed: boolean;
  readonly view: View;
  readonly membership: Pick<Membership, "verdicts">;
}

/** What this host says in push-pull: its digest, and answers to what others say. */
export class GossipMessages {
  readonly #options: GossipMessagesOptions;

  constructor(options: GossipMessagesOptions) {
    this.#options = options;
  }

  digest(prng: Prng): DigestMessage {
    const { keyed, view, membership } = this.#options;
    return {
      type: "digest",
      entries: view.digest(prng),
      documents: keyed ? view.documentDigest() : [],
      verdicts: membership.verdicts(),
      ...(view.isLarge ? { partial: true as const } : {}),
      ...(this.#mustKnowAll() ? { growing: true as const } : {}),
    };
  }

  /** Levelling needs no more than a sample; a service's hosts must agree on its steward. */
  #mustKnowAll(): boolean {
    const { view } = this.#options;
    return view.isGrowing && hasServices(view);
  }

  /** What the sender of a digest lacks, and what we do; undefined when that is nothing. */
  answer(message: DigestMessage, nowMs: number): DeltaMessage | undefined {
    const { keyed, view, membership } = this.#options;
    const part = message.partial === true && (message.growing ? "growing" : "partial");
    const { records, wants } = view.answer(message.entries, nowMs, part);
    const documents = keyed
      ? view.answerDocuments(message.documents)
      : { documents: [], wantsDocuments: [] };
    const verdicts = membership.verdicts();
    const said = records.length + wants.length + verdicts.length;
    if (said + documents.documents.length + documents.wantsDocuments.length === 0) return undefined;
    return deltaOf({ records, wants, verdicts, ...documents, ...this.#ages(records, nowMs) });
  }

  /** What a delta asked for; undefined when that is nothing. */
  wanted(message: DeltaMessage, nowMs: number): DeltaMessage | undefined {
    const { keyed, view } = this.#options;
    const records = message.wants.length > 0 ? view.recordsFor(message.wants) : [];
    const documents =
      keyed && message.wantsDocuments.length > 0 ? view.documentsFor(message.wantsDocuments) : [];
    if (records.length + documents.length === 0) return undefined;
    return deltaOf({ records, documents, ...this.#ages(records, nowMs) });
  }

  /** Where records travel for longer than they take to be renewed, their age goes along. */
  #ages(records: readonly HostRecord[], nowMs: number): { ages?: readonly number[] } {
    const { view } = this.#options;
    return view.isLarge ? { ages: view.agesOf(records, nowMs) } : {};
  }
}

/** True where a service is known: its hosts must know each other. */
export function hasServices(view: View): boolean {
  return view.documentDigest().some(({ name }) => isServiceDocument(name));
}

/** A delta that holds nothing but `parts`. */
export function deltaOf(parts: Partial<Omit<DeltaMessage, "type">> = {}): DeltaMessage {
  return {
    type: "delta",
    records: [],
    documents: [],
    verdicts: [],
    wants: [],
    wantsDocuments: [],
    ...parts,
  };
}
