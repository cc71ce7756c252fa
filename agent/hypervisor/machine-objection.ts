import type { MoveOffer } from "#lib/model/host-op.ts";

/** What a host can build; both drivers know it of their QEMU. */
export interface MachineFacts {
  readonly accelerator: "kvm" | "tcg";
  readonly version: string;
  /** Machine types, with what each alias stands for. */
  readonly machineTypes: ReadonlyMap<string, string>;
}

/**
 * A versioned machine type may go to a later QEMU, as QEMU promises; microvm has no versions and
 * goes to the same QEMU only.
 */
export function machineObjection(offer: MoveOffer, facts: MachineFacts): string | null {
  if (offer.accelerator !== facts.accelerator) {
    return `it runs with ${offer.accelerator} and this host has ${facts.accelerator}`;
  }
  if (!facts.machineTypes.has(offer.machineType)) {
    return `QEMU ${facts.version} here cannot build a ${offer.machineType} machine`;
  }
  const order = compareVersions(offer.hypervisorVersion, facts.version);
  const isVersioned = /\d+\.\d+$/.test(offer.machineType);
  if (order === 0 || (order < 0 && isVersioned)) return null;
  const versions = `from QEMU ${offer.hypervisorVersion} to ${facts.version}`;
  return `a ${offer.machineType} machine does not move ${versions}`;
}

/** By number, part by part: "9.2" is before "10.0". */
function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let part = 0; part < Math.max(left.length, right.length); part += 1) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
