/** The package's own changelog; what changed for users is in CHANGELOG.md, beside it. */
export function debianChangelog(version: string, epochSeconds: number): string {
  const date = new Date(epochSeconds * 1000).toUTCString().replace("GMT", "+0000");
  return `evenkeel (${version}) unstable; urgency=medium

  * See changelog.gz.

 -- evenkeel developers <evenkeel@localhost>  ${date}
`;
}
