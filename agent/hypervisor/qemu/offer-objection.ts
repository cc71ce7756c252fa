import type { MoveOffer } from "#lib/model/host-op.ts";
import type { MoveId } from "#lib/model/ids.ts";
import { machineObjection } from "../machine-objection.ts";
import { specObjection } from "../spec-objection.ts";
import { proofObjection } from "../storage-proof.ts";
import type { QemuFacts } from "./facts.ts";
import type { QemuSettings } from "./qemu-options.ts";

/** Why this host cannot take the offered VM, in words; null when it can. */
export async function offerObjection(
  { facts, settings }: { readonly facts: QemuFacts; readonly settings: QemuSettings },
  moveId: MoveId,
  offer: MoveOffer,
): Promise<string | null> {
  return (
    machineObjection(offer, facts) ??
    (await specObjection(offer.spec, settings)) ??
    (await proofObjection(moveId, offer.spec, offer.storageNonce))
  );
}
