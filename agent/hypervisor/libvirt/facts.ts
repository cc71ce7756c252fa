import type { HypervisorFacts } from "#lib/model/host.ts";
import type { CpuNeed } from "#lib/model/move-needs.ts";
import { hostTraits } from "../host-traits.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { liveMigrationRefusal } from "../live-migration-refusal.ts";
import { workingAccelerator } from "../working-accelerator.ts";
import { hostCpuOf } from "./fit-needs.ts";
import type { LibvirtSettings } from "./libvirt-options.ts";
import type { VirshSession } from "./virsh-session.ts";
import { readXml } from "./xml-node.ts";

export interface LibvirtFacts extends HypervisorFacts {
  readonly accelerator: "kvm" | "tcg";
  /** Machine types that the hypervisor can build, with what each alias stands for. */
  readonly machineTypes: ReadonlyMap<string, string>;
  /** What a guest sees that is given the host's own; null where libvirt does not know it. */
  readonly hostCpu: CpuNeed | null;
}

/** Asks the daemon what it is. Rejects with HYPERVISOR_MISSING and the remedy. */
export async function libvirtFacts(
  settings: LibvirtSettings,
  asking: VirshSession,
): Promise<LibvirtFacts> {
  const version = parseVersion(await asking.ask(["version"]));
  const capabilities = await asking.ask(["capabilities"], 60_000);
  const accelerator = await workingAccelerator(settings);
  return {
    kind: "libvirt",
    version,
    accelerator,
    liveMigrationRefusal: liveMigrationRefusal(version, accelerator),
    architecture: "x86_64",
    ...(await hostTraits(settings.storageRoots)),
    machineTypes: parseMachineTypes(capabilities),
    hostCpu: hostCpuOf(readXml(capabilities)),
  };
}

/** "Running hypervisor: QEMU 10.0.2" → "10.0.2". Throws HYPERVISOR_MISSING. */
export function parseVersion(output: string): string {
  const version = /^Running hypervisor: \S+ (\d+\.\d+\.\d+)/m.exec(output)?.[1];
  if (version !== undefined) return version;
  const words =
    "libvirt does not say which hypervisor it runs: is one installed (qemu-system-x86)?";
  throw new HypervisorError(words, { code: "HYPERVISOR_MISSING" });
}

/** The x86_64 machines in `virsh capabilities`: name, and for an alias what it stands for. */
export function parseMachineTypes(xml: string): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  const guest = /<arch name='x86_64'>([\s\S]*?)<\/arch>/.exec(xml)?.[1] ?? "";
  for (const [, attributes = "", name] of guest.matchAll(/<machine([^>]*)>([^<]+)<\/machine>/g)) {
    const canonical = /canonical='([^']+)'/.exec(attributes)?.[1];
    if (name) types.set(name, canonical ?? name);
  }
  return types;
}
