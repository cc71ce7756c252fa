/**
 * What a host's members are made from and write to.
 *
 * Responsible for: the digests of kernels and images, and the overlays of members with a disk.
 * How: a file counts only where it leads, after all symbolic links, into a storage root; an overlay
 * is made by qemu-img (argument array, no shell) aside, flushed and renamed.
 * Never: touches a file outside the overlay folder, or one of another name than its member's.
 */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { mkdir, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { MemberFiles } from "#agent/ports/members.ts";
import type { MemberMaking } from "#lib/model/host-op.ts";
import type { DigestedFile } from "#lib/model/service.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { flush } from "../durable-file.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { fileObjection } from "../spec-objection.ts";
import { FileDigests } from "./file-digests.ts";

const run = promisify(execFile);
const CREATE_TIMEOUT_MS = 30_000;
const BLOCK_BYTES = 512;
/** Digits of a digest that an error shows. */
const SHOWN_DIGITS = 12;

export interface QemuMemberFilesOptions {
  /** Absolute path of the folder for overlays, under one of the storage roots. */
  readonly overlayFolder: string;
  /** Folders that a member's files may lie in, after realpath. */
  readonly storageRoots: readonly string[];
  /** Default "qemu-img", looked up on the PATH. */
  readonly qemuImgBinary?: string;
}

export class QemuMemberFiles implements MemberFiles {
  readonly #options: QemuMemberFilesOptions;
  readonly #digests = new FileDigests();

  constructor(options: QemuMemberFilesOptions) {
    this.#options = options;
  }

  async make(spec: VmSpec, { base, files }: MemberMaking, signal: AbortSignal): Promise<void> {
    for (const file of files) await this.#check(spec, file, signal);
    if (base === null) return;
    await this.#check(spec, base, signal);
    const overlay = this.#overlayOf(spec);
    if (overlay === undefined) throw memberError(spec, "it has a base and no disk to put on it");
    await this.#create(spec, overlay, { path: await realpath(base.path), format: base.format });
  }

  async diskBytes(spec: VmSpec): Promise<number> {
    const overlay = this.#overlayOf(spec);
    const blocks = overlay === undefined ? 0 : (await stat(overlay)).blocks;
    return blocks * BLOCK_BYTES + spec.memoryBytes;
  }

  async remove(spec: VmSpec): Promise<void> {
    const overlay = this.#overlayOf(spec);
    if (overlay === undefined) return;
    await rm(overlay, { force: true });
    await rm(asideOf(overlay), { force: true });
  }

  async #check(spec: VmSpec, file: DigestedFile, signal: AbortSignal): Promise<void> {
    const objection = await fileObjection(file.path, this.#options.storageRoots, constants.R_OK);
    if (objection !== null) {
      throw memberError(spec, `${objection}: put the service's file there on this host`);
    }
    const found = await this.#digestOf(spec, file.path, signal);
    if (found === file.sha256) return;
    const words =
      `${file.path} is another file: its SHA-256 begins with ${head(found)}, the service says ` +
      `${head(file.sha256)}: copy the right one here, or correct the digest in the service`;
    throw memberError(spec, words);
  }

  async #digestOf(spec: VmSpec, path: string, signal: AbortSignal): Promise<string> {
    try {
      return await this.#digests.of(await realpath(path), signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw memberError(spec, `${path} cannot be read: ${(cause as Error).message}`, cause);
    }
  }

  async #create(spec: VmSpec, overlay: string, base: { path: string; format: string }) {
    const { overlayFolder, qemuImgBinary = "qemu-img" } = this.#options;
    const aside = asideOf(overlay);
    const args = ["create", "-q", "-f", "qcow2", "-b", base.path, "-F", base.format, aside];
    try {
      await makeFolder(overlayFolder);
      await run(qemuImgBinary, args, { timeout: CREATE_TIMEOUT_MS });
      await flush(aside);
      await rename(aside, overlay);
      await flush(overlayFolder);
    } catch (cause) {
      await rm(aside, { force: true });
      throw overlayError(spec, overlay, cause);
    }
  }

  /** The member's overlay; undefined without a disk. Throws when it lies anywhere else. */
  #overlayOf(spec: VmSpec): string | undefined {
    const [disk, ...others] = spec.disks;
    if (disk === undefined) return undefined;
    const expected = join(this.#options.overlayFolder, `${spec.name}.qcow2`);
    if (disk.path === expected && disk.format === "qcow2" && others.length === 0) return expected;
    throw memberError(spec, `its one disk has to be ${expected}, and is ${disk.path}`);
  }
}

/** Made where its parent is: a storage root that is missing is the admin's to make. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o750 });
    await flush(dirname(folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function asideOf(overlay: string): string {
  return `${overlay}.new`;
}

function head(digest: string): string {
  return `${digest.slice(0, SHOWN_DIGITS)}…`;
}

function memberError(spec: VmSpec, words: string, cause?: unknown): HypervisorError {
  return new HypervisorError(`member ${spec.name}: ${words}`, { code: "MEMBER_FILE", cause });
}

function overlayError(spec: VmSpec, overlay: string, cause: unknown): HypervisorError {
  const { code, stderr, message } = cause as { code?: unknown; stderr?: unknown; message?: string };
  const said = typeof stderr === "string" && stderr.trim() !== "" ? stderr.trim() : message;
  const remedy = code === "ENOENT" ? "install qemu-utils, and make the storage root" : "";
  const words = `its overlay ${overlay} cannot be made: ${said?.split("\n").at(-1)}`;
  return new HypervisorError(`member ${spec.name}: ${words}${remedy && `: ${remedy}`}`, {
    code: "STORAGE",
    cause,
  });
}
