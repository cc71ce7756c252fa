import { createHash } from "node:crypto";
import type { z } from "zod";
import type { VmName } from "#lib/model/ids.ts";
import type { VmNetwork, VmSpec } from "#lib/model/vm-spec.ts";
import { SpecText } from "./spec-text.ts";
import { vmSpecSchema } from "./vm-spec-schema.ts";

/**
 * The VM that a YAML or JSON text defines. Throws ApiError BAD_REQUEST, one problem a sentence, each
 * with its line and field.
 */
export function readVmSpecText(text: string): VmSpec {
  const spec = new SpecText("VM spec", text);
  const { memory, memoryBytes: bytes, network, guestAgent, ...rest } = spec.read(vmSpecSchema);
  const memoryBytes = memory ?? bytes;
  if (memoryBytes === undefined) {
    const problem = 'missing: add for example "memory: 128MiB"';
    throw spec.refusal([{ path: ["memory"], problem }]);
  }
  if (memory !== undefined && bytes !== undefined) {
    throw spec.refusal([{ path: [], problem: "memory and memoryBytes: give one of the two" }]);
  }
  const isAgentThere = guestAgent && ({ guestAgent } as const);
  return { ...rest, memoryBytes, network: withMac(rest.name, network), ...isAgentThere };
}

type NetworkAsWritten = z.output<typeof vmSpecSchema>["network"];

function withMac(vm: VmName, network: NetworkAsWritten): VmNetwork {
  if (network.kind !== "bridge") return network;
  return { ...network, mac: network.mac ?? macOf(vm) };
}

/** The same address wherever and whenever the VM is defined; 52:54:00 is QEMU's own prefix. */
function macOf(vm: VmName): string {
  const digest = createHash("sha256").update(vm).digest("hex");
  return `52:54:00:${digest.slice(0, 2)}:${digest.slice(2, 4)}:${digest.slice(4, 6)}`;
}
