import type { HostId } from "../model/ids.ts";
import type { ClusterDocument } from "../model/record.ts";

export const modeDocumentName = "mode";

export type ClusterMode = "act" | "hold";

/** A cluster starts on hold: without the document, or with one that cannot be read, it advises. */
export function clusterMode(document: ClusterDocument | undefined): ClusterMode {
  return document?.value === JSON.stringify({ mode: "act" }) ? "act" : "hold";
}

export function modeDocument(
  mode: ClusterMode,
  version: number,
  author: HostId,
  hash: (text: string) => number,
): ClusterDocument {
  const value = JSON.stringify({ mode });
  return {
    name: modeDocumentName,
    version,
    hash: hash(`${value} ${author}`).toString(16).padStart(8, "0"),
    author,
    value,
  };
}
