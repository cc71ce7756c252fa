import { createHash } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CpuNeed } from "#lib/model/move-needs.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { escapedXml } from "./escaped-xml.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";

const COMPARE_MS_MAX = 30_000;

/** Why the guest cannot have its processor here, by libvirt's own comparison; null when it can. */
export async function cpuObjection(
  parts: Pick<LibvirtParts, "asking" | "settings" | "facts">,
  cpu: CpuNeed | null,
): Promise<string | null> {
  if (cpu === null) return null;
  const xml = cpuXml(cpu);
  const digest = createHash("sha256").update(xml).digest("hex").slice(0, 16);
  const path = join(parts.settings.stateDirectory, "libvirt", `${digest}.cpu`);
  await writeFile(path, xml, { mode: 0o600 });
  try {
    const answer = await parts.asking.ask(compareCommand(cpu, parts, path), COMPARE_MS_MAX);
    return answerObjection(cpu, answer);
  } catch (error) {
    if (!(error instanceof HypervisorError) || error.code !== "COMMAND_FAILED") throw error;
    return errorObjection(error.message);
  } finally {
    await rm(path, { force: true });
  }
}

function compareCommand(
  { kind }: CpuNeed,
  { facts }: Pick<LibvirtParts, "facts">,
  path: string,
): readonly string[] {
  if (kind === "same") return ["cpu-compare", "--error", path];
  const virtType = facts.accelerator === "kvm" ? "kvm" : "qemu";
  return ["hypervisor-cpu-compare", "--error", "--virttype", virtType, path];
}

/** A guest that sees the host's own processor must see the very same; a richer one is another. */
export function answerObjection({ kind }: CpuNeed, answer: string): string | null {
  if (kind === "features" || /identical/i.test(answer)) return null;
  return "it sees its host's own processor, and this host's is another: give it a model of libvirt's";
}

/** What libvirt says when they do not fit; null when it says that it cannot tell. */
export function errorObjection(said: string): string | null {
  if (!/incompatible with host CPU/i.test(said)) return null;
  const why = /does not (?:provide|match)[^\n]*/i.exec(said)?.[0] ?? "cannot provide it";
  const remedy = "give it a model that all hosts have (virsh hypervisor-cpu-baseline)";
  return `its processor is not to be had here: the host ${why}: ${remedy}`;
}

/** Exported for tests. */
export function cpuXml({ kind, model, vendor, features }: CpuNeed): string {
  const head =
    kind === "same"
      ? `<cpu><arch>x86_64</arch><model>${escapedXml(model)}</model>`
      : `<cpu mode='custom' match='exact'><model fallback='forbid'>${escapedXml(model)}</model>`;
  const policy = kind === "same" ? "" : " policy='require'";
  return [
    head,
    ...(vendor === null ? [] : [`<vendor>${escapedXml(vendor)}</vendor>`]),
    ...features.map((name) => `<feature${policy} name='${escapedXml(name)}'/>`),
    "</cpu>\n",
  ].join("");
}
