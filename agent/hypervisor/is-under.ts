import { normalize, sep } from "node:path";

/** True for a path within one of the folders, by its words alone: ".." leads nowhere. */
export function isUnder(path: string, roots: readonly string[]): boolean {
  if (normalize(path) !== path) return false;
  return roots.some((root) => path.startsWith(root.endsWith(sep) ? root : root + sep));
}
