import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { domainXml } from "#agent/hypervisor/libvirt/domain-xml.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import type { LibvirtHost } from "../../test/support/libvirt-host.ts";
import type { LibvirtRig } from "../../test/support/libvirt-rig.ts";

const run = promisify(execFile);
/** Of the package libvirt-clients. */
const VIRSH = "/usr/bin/virsh";
const TINY_BYTES = 32 << 20;

/** What virsh says to a host, without keeping anything else from going on. */
export async function virsh(host: LibvirtHost, ...words: readonly string[]): Promise<string> {
  return (await run(VIRSH, ["-q", "-c", host.uri, ...words])).stdout;
}

/** Defines and starts a domain at the source, as an admin does. */
export async function startRaw(rig: LibvirtRig, spec: VmSpec): Promise<void> {
  await virsh(rig.hosts.source, "define", writtenXml(rig, spec));
  await virsh(rig.hosts.source, "start", spec.name);
}

/** Starts domains without anything to boot, which run and do nothing; resolves to how many run. */
export async function startTiny(rig: LibvirtRig, count: number): Promise<number> {
  for (let number = 1; number <= count; number += 1) {
    const spec = { ...rig.spec(`tiny-${number}`), kernel: null, memoryBytes: TINY_BYTES };
    try {
      await virsh(rig.hosts.source, "create", writtenXml(rig, spec));
    } catch (error) {
      process.stderr.write(`bench: no more than ${number - 1} domains: ${String(error)}\n`);
      return number - 1;
    }
  }
  return count;
}

function writtenXml(rig: LibvirtRig, spec: VmSpec): string {
  const path = join(rig.folder, `${spec.name}.xml`);
  writeFileSync(path, domainXml({ spec, accelerator: "tcg", cpuModel: null }));
  return path;
}
