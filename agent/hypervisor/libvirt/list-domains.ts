import type { CopyReport, CopyState, ShownPolicy } from "#lib/model/copy.ts";
import type { VmName } from "#lib/model/ids.ts";
import { copyStateOf, type DomainLook } from "./domain-state.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";

/** All copies on this host, in VM-name order. */
export async function listDomains(parts: LibvirtParts): Promise<readonly CopyReport[]> {
  const looks = await parts.table.all();
  const present = new Set(looks.keys());
  parts.fits.keep(present);
  parts.policies.keep(present);
  const names = [...new Set([...looks.keys(), ...parts.awaited])].sort();
  const reports = await Promise.all(
    names.map(async (vm): Promise<CopyReport | undefined> => {
      const record = await parts.records.read(vm);
      const look = looks.get(vm);
      const moveId = record?.moveId ?? null;
      const state = look && copyStateOf(look, record, parts.sending.has(vm));
      const foreign = record === undefined ? ({ foreign: true } as const) : {};
      if (look !== undefined && state !== undefined) {
        const hindered = await prospects(parts, vm, state);
        const shown = await policyShown(parts, { vm, state, look });
        return { vm, state, moveId, ...foreign, ...hindered, ...shown };
      }
      // Nothing of it is here yet: libvirt makes the copy when the source's daemon asks for it.
      return parts.awaited.has(vm) ? { vm, state: "receiving", moveId } : undefined;
    }),
  );
  return reports.filter((report) => report !== undefined);
}

/** While a VM is on its way, nobody changes its policy. */
async function policyShown(
  { policies }: LibvirtParts,
  { vm, state, look }: { vm: VmName; state: CopyState; look: DomainLook },
): Promise<{ policy?: ShownPolicy }> {
  const rests = state === "running" || state === "paused" || state === "suspended";
  const policy = rests ? await policies.shown(vm, look) : undefined;
  return policy === undefined ? {} : { policy };
}

/** What a move of a copy that runs would meet; the others are not moved anyway. */
async function prospects(
  { fits }: LibvirtParts,
  vm: VmName,
  state: CopyState,
): Promise<Pick<CopyReport, "obstacle" | "copiedBytes">> {
  const fit = state === "running" ? await fits.known(vm) : undefined;
  const copiedBytes = fit?.needs.copies.reduce((sum, { usedBytes }) => sum + usedBytes, 0) ?? 0;
  return {
    ...(fit?.obstacle && { obstacle: fit.obstacle }),
    ...(copiedBytes > 0 && { copiedBytes }),
  };
}
