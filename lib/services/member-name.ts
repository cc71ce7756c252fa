import { hashText } from "../base/prng.ts";
import { type HostId, isVmName, type VmName } from "../model/ids.ts";

/** Letters of the host's id in a member's name: 33^8 of them, so hosts of one cluster differ. */
const tailLength = 8;
const memberNamePattern = /^([a-z0-9][a-z0-9-]{0,39})--([1-9a-z]{4,8})$/;

/**
 * The VM name of the service's one member on this host, for example `web--1a2b3c4d`: the service
 * and the last letters of the host's id. The same on every host; null where the service's name makes
 * no VM name.
 */
export function memberNameOf(service: string, host: HostId): VmName | null {
  const name = `${service}--${host.slice(-tailLength).toLowerCase()}`;
  return isVmName(name) && memberNamePattern.test(name) ? name : null;
}

/** What a member's name says; undefined for the name of any other VM. */
export function readMemberName(vm: VmName): { service: string; hostTail: string } | undefined {
  const match = memberNamePattern.exec(vm);
  if (!match?.[1] || !match[2]) return undefined;
  return { service: match[1], hostTail: match[2] };
}

/**
 * The member's MAC address, the same after every restaging (DESIGN 7): 46 bits of a hash of
 * (service, host), marked as unicast and locally administered (IEEE 802: bit 0 clear, bit 1 set).
 */
export function memberMacOf(service: string, host: HostId): string {
  const high = hashText(`mac/high/${service}/${host}`);
  const low = hashText(`mac/low/${service}/${host}`);
  const bytes = [0, 8, 16].flatMap((shift) => [(high >>> shift) & 0xff, (low >>> shift) & 0xff]);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
