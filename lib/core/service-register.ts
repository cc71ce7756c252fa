import type { HostId } from "../model/ids.ts";
import type { ClusterDocument } from "../model/record.ts";
import type { ServiceSpec } from "../model/service.ts";
import { serviceLimits } from "../model/service.ts";
import type { Verb, VerbResult } from "../model/verb.ts";
import {
  type DeclaredService,
  isServiceDocument,
  readServiceDocument,
  serviceDocument,
  serviceDocumentName,
} from "../services/service-document.ts";
import { endpointsOf, serviceProblems } from "../services/service-problems.ts";
import { wireLimits } from "../wire/limits.ts";
import { Malformed } from "../wire/malformed.ts";
import { readServiceSpec } from "../wire/validate-service-spec.ts";
import type { Cluster } from "./cluster.ts";
import type { ServiceLife, ServiceView } from "./snapshot.ts";
import { verbFailure, verbSuccess } from "./verb-results.ts";

export type ServiceVerb = Extract<
  Verb,
  { verb: "serviceApply" | "serviceDelete" | "serviceScale" }
>;

export interface ServiceRegisterOptions {
  readonly self: HostId;
  readonly cluster: Pick<Cluster, "publishDocument"> & {
    readonly view: Pick<Cluster["view"], "document" | "documents">;
  };
  readonly nameOf: (host: HostId) => string;
}

/**
 * The services that the cluster's documents declare, and the verbs that write new versions of
 * them. Any host may write: of two that do so at once, the order of documents takes one.
 */
export class ServiceRegister {
  readonly #options: ServiceRegisterOptions;
  /** What was read of a document, which is never changed, only replaced. */
  readonly #read = new WeakMap<ClusterDocument, DeclaredService>();

  #listed: {
    readonly documents: readonly ClusterDocument[];
    readonly all: readonly DeclaredService[];
  } = { documents: [], all: [] };

  constructor(options: ServiceRegisterOptions) {
    this.#options = options;
  }

  /**
   * All services by name: declared ones, tombstones, and those that cannot be read. The same list
   * until a document changes.
   */
  all(): readonly DeclaredService[] {
    const documents = this.#options.cluster.view.documents();
    if (documents !== this.#listed.documents) {
      const services = documents.filter(({ name }) => isServiceDocument(name));
      this.#listed = { documents, all: services.map((one) => this.#wordOf(one)) };
    }
    return this.#listed.all;
  }

  get(service: string): DeclaredService | undefined {
    const document = this.#options.cluster.view.document(serviceDocumentName(service));
    return document && this.#wordOf(document);
  }

  /** All services as a reader may see them, by name. */
  views(lifeOf: (service: string) => ServiceLife | null): readonly ServiceView[] {
    return this.all().map(({ name, version, author, word }) => ({
      name,
      version,
      author,
      authorName: this.#options.nameOf(author),
      state: word.state,
      spec: word.state === "declared" ? word.spec : null,
      problem: word.state === "unreadable" ? word.problem : null,
      life: word.state === "declared" ? lifeOf(name) : null,
    }));
  }

  carryOut(verb: ServiceVerb): VerbResult {
    switch (verb.verb) {
      case "serviceApply":
        return this.#apply(verb.spec);
      case "serviceDelete":
        return this.#delete(verb.service);
      case "serviceScale":
        return this.#scale(verb);
    }
  }

  #apply(given: ServiceSpec): VerbResult {
    // Read like a peer's: what is told to the others is what they will take.
    const spec = readServiceSpec(given);
    if (spec instanceof Malformed) {
      return verbFailure(400, `the service's ${spec.path}: ${spec.problem}`);
    }
    const [problem] = serviceProblems(spec);
    if (problem) return verbFailure(400, `${problem.path.join(".")}: ${problem.problem}`);
    const known = this.get(spec.name);
    if (known?.word.state === "declared" && isSame(known.word.spec, spec)) {
      return done(known, `${spec.name} is declared so already`);
    }
    const refusal = this.#noRoomFor(spec.name) ?? this.#endpointTaken(spec);
    if (refusal !== null) return verbFailure(409, refusal);
    const what = known?.word.state === "declared" ? "changed" : "declared";
    return this.#publish(known, spec.name, spec, what);
  }

  #delete(service: string): VerbResult {
    const known = this.get(service);
    if (!known || known.word.state === "deleted") return notThere(service, known);
    return this.#publish(known, service, null, "deleted");
  }

  #scale({ service, min, max }: Extract<ServiceVerb, { verb: "serviceScale" }>): VerbResult {
    const known = this.get(service);
    if (!known || known.word.state === "deleted") return notThere(service, known);
    if (known.word.state === "unreadable") {
      const message = `the document of ${service} cannot be read here: ${known.word.problem}`;
      return verbFailure(409, message);
    }
    const { spec } = known.word;
    const running = { min: min ?? spec.running.min, max: max ?? spec.running.max };
    const scaled = readServiceSpec({ ...spec, running });
    if (scaled instanceof Malformed) return verbFailure(400, `${scaled.path}: ${scaled.problem}`);
    const [problem] = serviceProblems(scaled);
    if (problem) return verbFailure(409, `${problem.path.join(".")}: ${problem.problem}`);
    const range = `${running.min} to ${running.max} running`;
    if (isSame(spec, scaled)) return done(known, `${service} is declared with ${range} already`);
    return this.#publish(known, service, scaled, `declared with ${range}`);
  }

  #publish(
    known: DeclaredService | undefined,
    service: string,
    spec: ServiceSpec | null,
    what: string,
  ): VerbResult {
    const { self, cluster } = this.#options;
    const version = (known?.version ?? 0) + 1;
    // Nobody would take a version that is no exact number any more.
    if (!Number.isSafeInteger(version)) {
      return verbFailure(409, `${service} is at its last version: take another name`);
    }
    const document = serviceDocument(service, spec, { version, author: self });
    const { length } = document.value;
    const lengthMax = wireLimits.documentValueLengthMax;
    if (length > lengthMax) {
      const message =
        `${service} makes a document of ${length} characters, ${lengthMax} at most: ` +
        `put what hosts have in common under "*", or use \${host}`;
      return verbFailure(400, message);
    }
    cluster.publishDocument(document);
    return done({ name: service, version }, `${service} is ${what}`);
  }

  /** Room is left for what the other side of a partition may have declared meanwhile. */
  #noRoomFor(service: string): string | null {
    const { servicesMax } = serviceLimits;
    const all = this.all();
    if (all.length < servicesMax || this.get(service)) return null;
    const deleted = all.find(({ word }) => word.state === "deleted");
    const way = deleted
      ? `take the name of a deleted one (${deleted.name}): deleted ones count too`
      : "delete one and take its name";
    return `there are ${all.length} services, at most ${servicesMax}: ${way}`;
  }

  /** Two guests cannot listen at one place. */
  #endpointTaken(spec: ServiceSpec): string | null {
    const placeOf = ({ address, port }: { address: string; port: string }) =>
      `${address} port ${port}`;
    const wanted = new Set(endpointsOf(spec).map(placeOf));
    for (const { name, word } of this.all()) {
      if (name === spec.name || word.state !== "declared") continue;
      const shared = endpointsOf(word.spec).find((endpoint) => wanted.has(placeOf(endpoint)));
      if (shared) return `endpoint: ${placeOf(shared)} is that of ${name} on ${shared.host}`;
    }
    return null;
  }

  #wordOf(document: ClusterDocument): DeclaredService {
    const known = this.#read.get(document);
    if (known) return known;
    const word = readServiceDocument(document);
    this.#read.set(document, word);
    return word;
  }
}

function isSame(a: ServiceSpec, b: ServiceSpec): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function done(service: Pick<DeclaredService, "name" | "version">, message: string): VerbResult {
  const { name, version } = service;
  const data = JSON.stringify({ name, version });
  return { ...verbSuccess(200, `${message} (version ${version})`), data };
}

function notThere(service: string, known: DeclaredService | undefined): VerbResult {
  const why = known
    ? `it was deleted (version ${known.version})`
    : "'evenkeel service list' lists all";
  return verbFailure(404, `there is no service ${service}: ${why}`);
}
