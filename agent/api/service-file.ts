import type { MemberTemplate, ServiceSpec } from "#lib/model/service.ts";

const SIZES = [
  ["TiB", 2 ** 40],
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
] as const;

const SPANS = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** The declaration as a file says it: applied again it changes nothing. */
export function serviceFileOf(spec: ServiceSpec): Readonly<Record<string, unknown>> {
  const { health, target } = spec;
  return {
    name: spec.name,
    template: templateOf(spec.template),
    endpoint: spec.endpoint,
    hosts: spec.hosts,
    staged: spec.stagedMax ?? "all",
    running: spec.running,
    target:
      target.kind === "cpuShare"
        ? { cpuShare: target.share }
        : { sessionsPerMember: target.perMember },
    health: {
      path: health.path,
      timeout: spanOf(health.timeoutMs),
      resumeWithin: spanOf(health.resumeMsMax),
      bootWithin: spanOf(health.bootMsMax),
    },
    drain: spanOf(spec.drainMs),
    settle: spanOf(spec.settleMs),
    ...(spec.backend !== null && { switch: switchOf(spec.backend, spec.connectionsPerMember) }),
  };
}

function switchOf(backend: string, connectionsPerMember: number | null) {
  return { backend, ...(connectionsPerMember !== null && { connectionsPerMember }) };
}

function templateOf(template: MemberTemplate) {
  const { vcpus, memoryBytes, machine, kernel, image, network, guestAgent } = template;
  return {
    memory: inUnits(memoryBytes, SIZES, "B"),
    vcpus,
    machine,
    ...(kernel && { kernel: kernelOf(kernel) }),
    ...(image && { image }),
    network,
    ...(guestAgent && { guestAgent }),
  };
}

function kernelOf({ kernel, initrd, cmdline }: NonNullable<MemberTemplate["kernel"]>) {
  return { ...kernel, ...(initrd && { initrd }), cmdline };
}

function spanOf(ms: number): string {
  return ms === 0 ? "0s" : inUnits(ms, SPANS, "ms");
}

/** In the largest unit of which it is a whole number. */
function inUnits(
  value: number,
  units: readonly (readonly [name: string, size: number])[],
  base: string,
): string {
  const [name, size] = units.find(([, each]) => value % each === 0) ?? [base, 1];
  return `${value / size}${name}`;
}
