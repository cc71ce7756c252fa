import type { CpuNeed, DiskCopyNeed, HugepageNeed, MoveNeeds } from "#lib/model/move-needs.ts";
import { needsLimits } from "#lib/model/move-needs.ts";
import type { DiskFit } from "./fit-disks.ts";
import type { XmlNode } from "./xml-node.ts";

const UNITS: Readonly<Record<string, number>> = {
  ...{ b: 1, bytes: 1, KB: 1e3, MB: 1e6, GB: 1e9 },
  ...{ k: 2 ** 10, KiB: 2 ** 10, M: 2 ** 20, MiB: 2 ** 20, G: 2 ** 30, GiB: 2 ** 30 },
};

/** What the domain asks of its target. `hostCpu`: this host's processor, where the guest sees it. */
export function moveNeeds(
  domain: XmlNode,
  { disks, images }: Pick<DiskFit, "disks" | "images">,
  { hostCpu, copies }: { hostCpu: CpuNeed | null; copies: readonly DiskCopyNeed[] },
): MoveNeeds {
  const sources = domain.all("devices", "interface").map((one) => ({
    kind: one.attribute("type") ?? "?",
    source: one.at("source"),
  }));
  const named = (kind: string, attribute: string) =>
    bounded(
      sources.flatMap((one) => (one.kind === kind ? (one.source?.attribute(attribute) ?? []) : [])),
    );
  return {
    files: bounded([...programFiles(domain), ...images]),
    disks: bounded(disks),
    copies,
    bridges: named("bridge", "bridge"),
    interfaces: named("direct", "dev"),
    networks: named("network", "network"),
    hugepages: hugepages(domain),
    cpu: cpuNeed(domain, hostCpu),
  };
}

/** Emulator, kernel and firmware: what must lie at the same place. */
function programFiles(domain: XmlNode): readonly string[] {
  const places = [
    domain.at("devices", "emulator"),
    domain.at("os", "kernel"),
    domain.at("os", "initrd"),
    domain.at("os", "loader"),
  ];
  return places.flatMap((place) => (place?.text ? [place.text] : []));
}

function hugepages(domain: XmlNode): readonly HugepageNeed[] {
  const backing = domain.at("memoryBacking", "hugepages");
  if (backing === undefined) return [];
  const memory = domain.at("memory");
  const memoryBytes = scaled(memory?.text, memory?.attribute("unit"));
  const page = backing.at("page");
  const pageBytes = page ? scaled(page.attribute("size"), page.attribute("unit")) : 0;
  return [{ pageBytes, memoryBytes }];
}

function scaled(text: string | undefined, unit = "KiB"): number {
  const value = Number(text ?? 0) * (UNITS[unit] ?? 2 ** 10);
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

/** What the guest sees, as libvirt has worked it out for the domain that runs. */
function cpuNeed(domain: XmlNode, hostCpu: CpuNeed | null): CpuNeed | null {
  const cpu = domain.at("cpu");
  const mode = cpu?.attribute("mode");
  if (mode === "host-passthrough" || mode === "maximum") return hostCpu;
  const model = cpu?.at("model")?.text;
  if (cpu === undefined || !model) return null;
  return {
    kind: "features",
    model,
    vendor: cpu.at("vendor")?.text || null,
    features: required(cpu),
  };
}

/** The host's own processor in `virsh capabilities`; null where libvirt does not know it. */
export function hostCpuOf(capabilities: XmlNode): CpuNeed | null {
  const cpu = capabilities.at("host", "cpu");
  const model = cpu?.at("model")?.text;
  if (cpu === undefined || !model) return null;
  return { kind: "same", model, vendor: cpu.at("vendor")?.text || null, features: required(cpu) };
}

function required(cpu: XmlNode): readonly string[] {
  return cpu
    .children("feature")
    .filter((one) => ["require", "force"].includes(one.attribute("policy") ?? "require"))
    .flatMap((one) => one.attribute("name") ?? [])
    .slice(0, needsLimits.featuresMax);
}

function bounded(list: readonly string[]): readonly string[] {
  return [...new Set(list)].slice(0, needsLimits.listMax);
}
