import { hashText } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";
import type { ClusterDocument } from "../model/record.ts";
import { isServiceName, type ServiceSpec } from "../model/service.ts";
import { Malformed } from "../wire/malformed.ts";
import { validate } from "../wire/validate.ts";
import { readServiceSpecFields } from "../wire/validate-service-spec.ts";
import { serviceProblems } from "./service-problems.ts";

/** Documents of this prefix are services; the rest of their name is the service's. */
const prefix = "service/";

/** What a document says of its service. */
export type ServiceWord =
  | { readonly state: "declared"; readonly spec: ServiceSpec }
  /** A tombstone: kept, so that no older version comes back. */
  | { readonly state: "deleted" }
  /** Not to be acted upon: broken, or written by an agent that knows more than this one. */
  | { readonly state: "unreadable"; readonly problem: string };

export interface DeclaredService {
  readonly name: string;
  readonly version: number;
  readonly author: HostId;
  readonly word: ServiceWord;
}

export function serviceDocumentName(service: string): string {
  return prefix + service;
}

export function isServiceDocument(name: string): boolean {
  return name.startsWith(prefix);
}

/** The next word on a service. `spec` null: it is deleted. */
export function serviceDocument(
  service: string,
  spec: ServiceSpec | null,
  { version, author }: { readonly version: number; readonly author: HostId },
): ClusterDocument {
  const value = JSON.stringify(spec === null ? { deleted: true } : { spec });
  return {
    name: serviceDocumentName(service),
    version,
    // With the author: of two hosts that say the same at once, one is everybody's.
    hash: hashText(`${value} ${author}`).toString(16).padStart(8, "0"),
    author,
    value,
  };
}

/** What a document whose name says that it is a service's declares. Never throws. */
export function readServiceDocument({
  name,
  version,
  author,
  value,
}: ClusterDocument): DeclaredService {
  const service = name.slice(prefix.length);
  return { name: service, version, author, word: readWord(service, value) };
}

function readWord(service: string, value: string): ServiceWord {
  if (!isServiceName(service)) return unreadable("its name is none that a service may have");
  let content: unknown;
  try {
    content = JSON.parse(value);
  } catch {
    return unreadable("it is not JSON");
  }
  if (isTombstone(content)) return { state: "deleted" };
  const spec = validate(content, (reader) => readServiceSpecFields(reader.object("spec")));
  if (spec instanceof Malformed) return unreadable(`${spec.path}: ${spec.problem}`);
  if (spec.name !== service) return unreadable(`spec.name: it declares another service`);
  const [problem] = serviceProblems(spec);
  if (problem) return unreadable(`spec.${problem.path.join(".")}: ${problem.problem}`);
  return { state: "declared", spec };
}

function isTombstone(content: unknown): boolean {
  return (
    typeof content === "object" &&
    content !== null &&
    "deleted" in content &&
    content.deleted === true
  );
}

function unreadable(problem: string): ServiceWord {
  return { state: "unreadable", problem };
}
