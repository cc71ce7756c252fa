/** Text for XML. Also control characters: XML 1.0 has no place for them, and no name or path of ours has any. */
export function escapedXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("'", "&apos;")
    .replaceAll('"', "&quot;")
    .replace(/\p{Cc}/gu, " ");
}
