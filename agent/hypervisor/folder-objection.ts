import { access, constants } from "node:fs/promises";

/**
 * Why this process may not make files in a folder, in words with the remedy; null when it may, and
 * where there is no such folder.
 */
export async function folderObjection(folder: string): Promise<string | null> {
  const code = await access(folder, constants.W_OK | constants.X_OK).then(
    () => null,
    (error: NodeJS.ErrnoException) => error.code,
  );
  if (code === null || code === "ENOENT" || code === "ENOTDIR") return null;
  if (code === "EROFS") return `${folder} is mounted read-only: mount it writable`;
  const user = process.getuid?.() ?? 0;
  return `the agent's user ${user} may not write in ${folder}: chown ${user} ${folder}, or run the agent as root`;
}
