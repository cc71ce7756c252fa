/** A host's identity: its libp2p peer id in base58, as the host's ed25519 key gives it. */
export type HostId = string;

/** A VM's cluster-wide name: `[a-z0-9-]`, 1 to 63 characters, as a DNS label (RFC 1123). */
export type VmName = string;

/** `VM.VERSION.RANDOM`: the VM, the owner version the move would make, 16 hex digits. */
export type MoveId = string;

const vmNamePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const hostIdPattern = /^[1-9A-HJ-NP-Za-km-z]{4,128}$/;
const moveIdPattern = /^([a-z0-9-]{1,63})\.([1-9][0-9]{0,14})\.([0-9a-f]{16})$/;

export function isVmName(value: unknown): value is VmName {
  return typeof value === "string" && vmNamePattern.test(value);
}

export function isHostId(value: unknown): value is HostId {
  return typeof value === "string" && hostIdPattern.test(value);
}

export function isMoveId(value: unknown): value is MoveId {
  return typeof value === "string" && moveIdPattern.test(value);
}

/** The id of the move that would make `version` of `vm`; `random` is 16 hex digits. */
export function moveIdOf(vm: VmName, version: number, random: string): MoveId {
  return `${vm}.${version}.${random}`;
}

/** The VM and the version that a move id names. Throws nothing: undefined when malformed. */
export function readMoveId(id: MoveId): { vm: VmName; version: number } | undefined {
  const match = moveIdPattern.exec(id);
  if (!match?.[1] || !match[2]) return undefined;
  return { vm: match[1], version: Number(match[2]) };
}
