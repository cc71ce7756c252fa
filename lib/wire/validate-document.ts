import type { ClusterDocument } from "../model/record.ts";
import { wireLimits } from "./limits.ts";
import type { Malformed } from "./malformed.ts";
import type { Reader } from "./reader.ts";
import { validate } from "./validate.ts";

const hashPattern = /^[0-9a-f]{1,128}$/;

/** Checks and bounds a document from outside. Never throws. */
export function readDocument(value: unknown): ClusterDocument | Malformed {
  return validate(value, readDocumentFields);
}

export function readDocumentFields(document: Reader): ClusterDocument {
  return {
    ...readDocumentVersion(document),
    author: document.host("author"),
    value: document.text("value", wireLimits.documentValueLengthMax),
  };
}

/** What a digest says of a document. */
export function readDocumentVersion(document: Reader): {
  name: string;
  version: number;
  hash: string;
} {
  return {
    name: document.text("name", wireLimits.documentNameLengthMax),
    version: document.count("version"),
    hash: document.matching("hash", hashPattern, "a hex digest"),
  };
}
