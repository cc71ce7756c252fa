import { sortedBy } from "../base/ordered.ts";
import type { ClusterDocument } from "../model/record.ts";
import { compareDocuments } from "../model/record.ts";
import { wireLimits } from "../wire/limits.ts";
import type { DigestMessage } from "../wire/messages.ts";

export type DocumentDigest = DigestMessage["documents"];

export interface DocumentAnswer {
  readonly documents: readonly ClusterDocument[];
  readonly wantsDocuments: readonly string[];
}

/**
 * Cluster-wide documents, one register a name: the highest (version, hash) wins on every host.
 * Never removed: what is withdrawn is a newer version that says so.
 */
export class Documents {
  readonly #byName = new Map<string, ClusterDocument>();
  #digest: DocumentDigest | null = null;
  #all: readonly ClusterDocument[] | null = null;

  /** True when it replaced what was known. Names over the limit are refused. */
  merge(document: ClusterDocument): boolean {
    const known = this.#byName.get(document.name);
    if (known ? compareDocuments(document, known) <= 0 : this.#isFull()) return false;
    this.#byName.set(document.name, document);
    this.#digest = null;
    this.#all = null;
    return true;
  }

  get(name: string): ClusterDocument | undefined {
    return this.#byName.get(name);
  }

  /** All documents by name; the same list until one changes. */
  all(): readonly ClusterDocument[] {
    this.#all ??= sortedBy(this.#byName.values(), (document) => document.name);
    return this.#all;
  }

  digest(): DocumentDigest {
    this.#digest ??= this.all().map(({ name, version, hash }) => ({ name, version, hash }));
    return this.#digest;
  }

  /** What the sender of the digest lacks, and the names of which it has something newer. */
  answer(digest: DocumentDigest): DocumentAnswer {
    const lacking = new Map(this.#byName);
    const wantsDocuments: string[] = [];
    for (const theirs of digest) {
      const ours = this.#byName.get(theirs.name);
      const newer = ours ? compareVersions(ours, theirs) : -1;
      if (newer <= 0) lacking.delete(theirs.name);
      if (newer < 0 && (ours || !this.#isFull())) wantsDocuments.push(theirs.name);
    }
    return { documents: sortedBy(lacking.values(), (d) => d.name), wantsDocuments };
  }

  #isFull(): boolean {
    return this.#byName.size >= wireLimits.documentsMax;
  }
}

type DocumentVersion = DocumentDigest[number];

function compareVersions(a: DocumentVersion, b: DocumentVersion): number {
  return a.version - b.version || (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0);
}
