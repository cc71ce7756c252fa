import type {
  DigestedFile,
  HealthCheck,
  MemberTemplate,
  ServiceSpec,
  ServiceTarget,
} from "../model/service.ts";
import { isServiceName, serviceLimits } from "../model/service.ts";
import { vmLimits } from "../model/vm-spec.ts";
import { wireLimits } from "./limits.ts";
import type { Malformed } from "./malformed.ts";
import type { Reader } from "./reader.ts";
import { validate } from "./validate.ts";

const machines = new Set(["microvm", "q35", "pc"] as const);
const imageFormats = new Set(["raw", "qcow2"] as const);
const networkKinds = new Set(["user", "bridge"] as const);
const targetKinds = new Set(["cpuShare", "sessions"] as const);

/** Below this a target would be lost in the noise of any measurement. */
const SHARE_MIN = 0.01;
const SESSIONS_MAX = 1_000_000;
const PORT_MAX = 65_535;

const digestPattern = /^[0-9a-f]{64}$/;
/** Neither a comma, which ends an option of QEMU, nor anything that ends a line. */
const pathPattern = new RegExp(`^/[^,\\p{Cc}]{1,${serviceLimits.textLengthMax - 1}}$`, "u");
const cmdlinePattern = new RegExp(`^[^\\p{Cc}]{0,${vmLimits.cmdlineLengthMax}}$`, "u");
const textPattern = new RegExp(`^[^\\s\\p{Cc}]{1,${serviceLimits.textLengthMax}}$`, "u");
const substitutionPattern = new RegExp(`^[^\\p{Cc}]{0,${serviceLimits.textLengthMax}}$`, "u");
const hostNamePattern = new RegExp(`^[^\\p{Cc}]{1,${wireLimits.hostNameLengthMax}}$`, "u");
const substitutionKeyPattern = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;
const builtInKeys = new Set(["host", "service"]);
const urlPathPattern = new RegExp(`^/[!-~]{0,${serviceLimits.textLengthMax - 1}}$`);
/** What HAProxy takes for the name of a proxy. */
const backendPattern = /^[A-Za-z0-9_.:-]{1,64}$/;

/** Checks and bounds the declaration of a service, from a peer, a file or the journal. Never throws. */
export function readServiceSpec(value: unknown): ServiceSpec | Malformed {
  return validate(value, readServiceSpecFields);
}

/** The fields always come in the same order, so that equal declarations are equal texts. */
export function readServiceSpecFields(spec: Reader): ServiceSpec {
  const { membersMax, timeMsMax } = serviceLimits;
  return {
    name: readServiceName(spec, "name"),
    template: readTemplate(spec.object("template")),
    endpoint: readEndpoint(spec.object("endpoint")),
    hosts: readHosts(spec.object("hosts")),
    stagedMax: spec.isNull("stagedMax") ? null : spec.count("stagedMax", 1, serviceLimits.hostsMax),
    running: readRunning(spec.object("running"), membersMax),
    target: readTarget(spec.object("target")),
    health: readHealth(spec.object("health")),
    drainMs: spec.count("drainMs", 0, timeMsMax),
    settleMs: spec.count("settleMs", 1, timeMsMax),
    backend: spec.isNull("backend")
      ? null
      : spec.matching("backend", backendPattern, "the name of a backend"),
    connectionsPerMember: readConnections(spec),
  };
}

/** Older documents say nothing of it. */
function readConnections(spec: Reader): number | null {
  const key = "connectionsPerMember";
  if (spec.isMissing(key) || spec.isNull(key)) return null;
  return spec.count(key, 1, serviceLimits.connectionsMax);
}

export function readServiceName(reader: Reader, key: string): string {
  const name = reader.text(key, serviceLimits.nameLengthMax);
  if (!isServiceName(name)) reader.fail(key, "the name of a service");
  return name;
}

function readTemplate(template: Reader): MemberTemplate {
  const { memoryBytesMin, memoryBytesMax } = vmLimits;
  return {
    vcpus: template.count("vcpus", 1, vmLimits.vcpusMax),
    memoryBytes: template.count("memoryBytes", memoryBytesMin, memoryBytesMax),
    machine: template.word("machine", machines),
    kernel: readKernel(template.objectOrNull("kernel")),
    image: readImage(template.objectOrNull("image")),
    network: readNetwork(template.object("network")),
    ...(template.flagIfAny("guestAgent") && { guestAgent: true }),
  };
}

function readKernel(kernel: Reader | null): MemberTemplate["kernel"] {
  if (!kernel) return null;
  const initrd = kernel.objectOrNull("initrd");
  return {
    kernel: readFile(kernel.object("kernel")),
    initrd: initrd && readFile(initrd),
    cmdline: kernel.matching("cmdline", cmdlinePattern, "one line of kernel arguments"),
  };
}

function readImage(image: Reader | null): MemberTemplate["image"] {
  return image && { ...readFile(image), format: image.word("format", imageFormats) };
}

function readFile(file: Reader): DigestedFile {
  return {
    path: file.matching("path", pathPattern, "an absolute path"),
    sha256: file.matching("sha256", digestPattern, "64 hex digits in lower case"),
  };
}

function readNetwork(network: Reader): MemberTemplate["network"] {
  const kind = network.word("kind", networkKinds);
  if (kind === "bridge") return { kind, bridge: readText(network, "bridge") };
  return {
    kind,
    guestPort: network.count("guestPort", 1, PORT_MAX),
    hostPort: readText(network, "hostPort"),
  };
}

function readEndpoint(endpoint: Reader): ServiceSpec["endpoint"] {
  return { address: readText(endpoint, "address"), port: readText(endpoint, "port") };
}

function readText(reader: Reader, key: string): string {
  return reader.matching(key, textPattern, "a text without spaces");
}

function readHosts(hosts: Reader): ServiceSpec["hosts"] {
  const names = [...hosts.keys(serviceLimits.hostsMax)].sort();
  for (const name of names) {
    if (!hostNamePattern.test(name)) hosts.fail("", "names of hosts");
  }
  // From entries: a field named __proto__ stays a field.
  return Object.fromEntries(names.map((name) => [name, readSubstitutions(hosts.object(name))]));
}

function readSubstitutions(values: Reader): Readonly<Record<string, string>> {
  const keys = [...values.keys(serviceLimits.substitutionsMax)].sort();
  return Object.fromEntries(
    keys.map((key) => {
      if (!substitutionKeyPattern.test(key))
        values.fail(key, "letters, digits, - and _ as its name");
      if (builtInKeys.has(key)) values.fail(key, `another name: \${${key}} is built in`);
      return [key, values.matching(key, substitutionPattern, "a text of one line")];
    }),
  );
}

function readRunning(running: Reader, membersMax: number): ServiceSpec["running"] {
  return { min: running.count("min", 0, membersMax), max: running.count("max", 1, membersMax) };
}

function readTarget(target: Reader): ServiceTarget {
  const kind = target.word("kind", targetKinds);
  if (kind === "sessions") return { kind, perMember: target.count("perMember", 1, SESSIONS_MAX) };
  const share = target.figure("share", 1);
  if (share < SHARE_MIN) target.fail("share", `a number from ${SHARE_MIN} to 1`);
  return { kind: "cpuShare", share };
}

function readHealth(health: Reader): HealthCheck {
  const { timeMsMax } = serviceLimits;
  return {
    path: health.matching("path", urlPathPattern, "the path of a URL"),
    timeoutMs: health.count("timeoutMs", 1, timeMsMax),
    resumeMsMax: health.count("resumeMsMax", 1, timeMsMax),
    bootMsMax: health.count("bootMsMax", 1, timeMsMax),
  };
}
