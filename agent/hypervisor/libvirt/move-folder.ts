/** The folder of a move's sockets, as far as the agent's own user decides where they can lie. */
import { access, chmod, chown, constants, mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type LibvirtSettings, seenPath } from "./libvirt-options.ts";
import { agentFolder, libvirtFolder, type SocketPlace } from "./move-paths.ts";

const { W_OK, X_OK, O_NOFOLLOW } = constants;
/** Names a file without opening it, links and sockets too (open(2)); Node has no word for it. */
const O_PATH = 0o10000000;

const GROUP_REMEDY =
  `put the agent's user into the group that ${libvirtFolder} belongs to (Debian: usermod -aG ` +
  "libvirt-qemu evenkeel), then systemctl restart evenkeel";
const FOLDER_REMEDY = `let systemd start the agent, or give its user ${dirname(agentFolder)}`;

/** Where a source's channel may listen: in libvirt's folder as root, else in the agent's. */
export async function sourcePlace(settings: LibvirtSettings): Promise<SocketPlace> {
  const mayWrite = access(seenPath(settings, libvirtFolder), W_OK | X_OK);
  return mayWrite.then(
    () => "libvirt",
    () => "agent",
  );
}

/** Why no sockets can be used there, in words with the remedy; null when they can. Makes the folder. */
export async function placeObjection(
  settings: LibvirtSettings,
  place: SocketPlace,
): Promise<string | null> {
  const entered = seenPath(settings, libvirtFolder);
  try {
    if (place === "agent") await makeAgentFolder(settings);
    else await access(entered, X_OK);
    return null;
  } catch (cause) {
    const words = `the agent cannot share sockets with libvirt's QEMU: ${(cause as Error).message}`;
    return `${words}: ${isGroupMissing(cause) ? GROUP_REMEDY : FOLDER_REMEDY}`;
  }
}

/** Only a member of the group may give a folder to it, or enter libvirt's. */
function isGroupMissing(cause: unknown): boolean {
  const { syscall } = cause as NodeJS.ErrnoException;
  return syscall === "chown" || syscall === "access";
}

/**
 * Lets QEMU connect to a socket of ours. QEMU's user may write in the folder: what it could have put
 * in the socket's place, a link to some file above all, is left as it is.
 */
export async function openToQemu(socket: string): Promise<void> {
  const file = await open(socket, O_PATH | O_NOFOLLOW);
  try {
    if ((await file.stat()).isSocket()) await chmod(`/proc/self/fd/${file.fd}`, 0o666);
  } finally {
    await file.close();
  }
}

/** QEMU, another user without our rights, connects to sockets in it, or makes its own. */
async function makeAgentFolder(settings: LibvirtSettings): Promise<void> {
  const folder = seenPath(settings, agentFolder);
  const parent = dirname(folder);
  // systemd has made it; by hand it must let QEMU pass through as well.
  if ((await mkdir(parent, { recursive: true })) !== undefined) await chmod(parent, 0o755);
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const { gid } = await stat(seenPath(settings, libvirtFolder));
  const { uid, gid: before } = await stat(folder);
  const own = process.getuid?.() ?? 0;
  if (uid !== own) throw new Error(`${agentFolder} belongs to user ${uid}: rm -r ${agentFolder}`);
  if (before !== gid) await chown(folder, own, gid);
  await chmod(folder, 0o770);
}
