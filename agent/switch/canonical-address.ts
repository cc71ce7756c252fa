import { isIPv4, isIPv6 } from "node:net";

/**
 * An IP address in its one shortest form, so that two ways to write it compare as equal; undefined
 * when the text is none. An IPv6 zone is refused: it means nothing on another host.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes("%")) return undefined;
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}
