/** What one line of a bench table says. */
export interface Row {
  /** Cluster, seed and condition. */
  readonly what: string;
  /** What was to be reached, in words. */
  readonly reach: string;
  readonly ours: string;
  readonly central: string;
  readonly verdict: Verdict;
  /** The same and more as figures, for `--json`. */
  readonly figures: Readonly<Record<string, number | string | null>>;
}

export type Verdict = "met" | "missed" | "failed" | "skipped" | "";

/** One table. */
export interface Section {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** How others did, and what the figures mean: lines under the title. */
  readonly notes: readonly string[];
  /** Each row as soon as it is known. */
  run(options: SectionOptions): AsyncIterable<Row> | Iterable<Row>;
}

export interface SectionOptions {
  /** Folder with the recorded clusters and loads; null = not given. */
  readonly dataFolder: string | null;
  /** Fewer seeds and smaller clusters: minutes become seconds. */
  readonly isQuick: boolean;
  /** Tells whoever waits how far it is. */
  readonly say: (line: string) => void;
}

export function verdictOf(isMet: boolean): Verdict {
  return isMet ? "met" : "missed";
}

/** A row for what needs files that are not there. */
export function skippedRow(what: string, needs: string): Row {
  const reason = `skipped: needs --data DIR with ${needs}`;
  return { what, reach: reason, ours: "-", central: "-", verdict: "skipped", figures: {} };
}

/** A row for what threw: a bug in what is measured must not hide the other rows. */
export function failedRow(what: string, error: unknown): Row {
  const ours = error instanceof Error ? error.message : String(error);
  return { what, reach: "-", ours, central: "-", verdict: "failed", figures: {} };
}
