import type { z } from "zod";
import type { MemberTemplate, ServiceSpec } from "#lib/model/service.ts";
import { serviceProblems, switchProblems } from "#lib/services/service-problems.ts";
import { Malformed } from "#lib/wire/malformed.ts";
import { readServiceSpec } from "#lib/wire/validate-service-spec.ts";
import { serviceSpecSchema } from "./service-spec-schema.ts";
import { SpecText } from "./spec-text.ts";

type ServiceFile = z.output<typeof serviceSpecSchema>;

/** Where the file says otherwise than the declaration; the longest beginnings first. */
const FIELDS_OF_FILE: readonly (readonly [declared: string, written: string])[] = [
  ["template.kernel.kernel", "template.kernel"],
  ["template.memoryBytes", "template.memory"],
  ["health.resumeMsMax", "health.resumeWithin"],
  ["health.bootMsMax", "health.bootWithin"],
  ["health.timeoutMs", "health.timeout"],
  ["stagedMax", "staged"],
  ["drainMs", "drain"],
  ["settleMs", "settle"],
  ["backend", "switch.backend"],
  ["connectionsPerMember", "switch.connectionsPerMember"],
];

/**
 * The service that a YAML or JSON text declares. Throws ApiError BAD_REQUEST, one problem a
 * sentence, each with its line and field.
 */
export function readServiceText(text: string): ServiceSpec {
  const written = new SpecText("service", text);
  const spec = readServiceSpec(specOf(written.read(serviceSpecSchema)));
  if (spec instanceof Malformed) {
    const { path, problem } = spec;
    throw written.refusal([{ path: writtenPath(path.split(".")), problem }]);
  }
  const problems = [...serviceProblems(spec), ...switchProblems(spec)];
  if (problems.length === 0) return spec;
  throw written.refusal(
    problems.map(({ path, problem }) => ({ path: writtenPath(path), problem })),
  );
}

function specOf(file: ServiceFile): ServiceSpec {
  const { health, staged, target } = file;
  return {
    name: file.name,
    template: templateOf(file.template),
    endpoint: file.endpoint,
    hosts: file.hosts,
    stagedMax: staged === "all" ? null : staged,
    running: file.running,
    target:
      "cpuShare" in target
        ? { kind: "cpuShare", share: target.cpuShare }
        : { kind: "sessions", perMember: target.sessionsPerMember },
    health: {
      path: health.path,
      timeoutMs: health.timeout,
      resumeMsMax: health.resumeWithin,
      bootMsMax: health.bootWithin,
    },
    drainMs: file.drain,
    settleMs: file.settle,
    backend: file.switch?.backend ?? null,
    connectionsPerMember: file.switch?.connectionsPerMember ?? null,
  };
}

function templateOf(file: ServiceFile["template"]): MemberTemplate {
  const { memory, kernel, guestAgent, ...template } = file;
  return {
    ...template,
    memoryBytes: memory,
    kernel: kernel && kernelOf(kernel),
    ...(guestAgent && { guestAgent }),
  };
}

function kernelOf({
  initrd,
  cmdline,
  ...kernel
}: NonNullable<ServiceFile["template"]["kernel"]>): MemberTemplate["kernel"] {
  return { kernel, initrd, cmdline };
}

function writtenPath(path: readonly string[]): readonly string[] {
  const declared = path.join(".");
  const found = FIELDS_OF_FILE.find(([field]) => `${declared}.`.startsWith(`${field}.`));
  if (!found) return path;
  const [field, written] = found;
  return [...written.split("."), ...path.slice(field.split(".").length)];
}
