import type { CopyReport, CopyState } from "#lib/model/copy.ts";
import type { VmName } from "#lib/model/ids.ts";
import { copyStateOf } from "./domain-state.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";

/** All copies on this host, in VM-name order. */
export async function listDomains(parts: LibvirtParts): Promise<readonly CopyReport[]> {
  const looks = await parts.table.all();
  parts.fits.keep(new Set(looks.keys()));
  const names = [...new Set([...looks.keys(), ...parts.awaited])].sort();
  const reports = await Promise.all(
    names.map(async (vm): Promise<CopyReport | undefined> => {
      const record = await parts.records.read(vm);
      const look = looks.get(vm);
      const moveId = record?.moveId ?? null;
      const state = look && copyStateOf(look, record, parts.sending.has(vm));
      const foreign = record === undefined ? ({ foreign: true } as const) : {};
      if (state !== undefined) {
        return { vm, state, moveId, ...foreign, ...(await hindrance(parts, vm, state)) };
      }
      // Nothing of it is here yet: libvirt makes the copy when the source's daemon asks for it.
      return parts.awaited.has(vm) ? { vm, state: "receiving", moveId } : undefined;
    }),
  );
  return reports.filter((report) => report !== undefined);
}

/** What keeps a copy that runs from being moved; the others are not moved anyway. */
async function hindrance(
  { fits }: LibvirtParts,
  vm: VmName,
  state: CopyState,
): Promise<{ obstacle?: string }> {
  const obstacle = state === "running" ? await fits.obstacle(vm) : null;
  return obstacle === null ? {} : { obstacle };
}
