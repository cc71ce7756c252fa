import { access } from "node:fs/promises";

/** True when the path leads to something; false also where it may not be looked at. */
export function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
