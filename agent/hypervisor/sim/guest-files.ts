import {
  type FSWatcher,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { isVmName, type VmName } from "#lib/model/ids.ts";
import type { SimCopy } from "#lib/simulation/sim-copy.ts";
import { HypervisorError } from "../hypervisor-error.ts";

const suffix = ".json";
/** Changes that follow one another within this are told once, ms. */
const burstMs = 20;

/**
 * The simulated guests of one host: one small file each, so that they outlive the agent, can be
 * read from outside, and die when their file is removed. A file is written aside and renamed: a
 * reader sees the old or the new, never half.
 */
export class GuestFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Throws HypervisorError when the folder cannot be made. */
  open(): void {
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw storageError(`the folder ${this.directory} cannot be made`, cause);
    }
  }

  names(): readonly VmName[] {
    return readdirSync(this.directory)
      .filter((file) => file.endsWith(suffix))
      .map((file) => basename(file, suffix))
      .filter(isVmName)
      .sort();
  }

  /** Null when there is none. Throws HypervisorError when it cannot be read. */
  read(vm: VmName): SimCopy | null {
    const path = this.#path(vm);
    try {
      return JSON.parse(readFileSync(path, "utf8")) as SimCopy;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw storageError(`${path} cannot be read`, cause);
    }
  }

  write(copy: SimCopy): void {
    const path = this.#path(copy.spec.name);
    try {
      writeFileSync(`${path}.new`, JSON.stringify(copy), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (cause) {
      throw storageError(`${path} cannot be written`, cause);
    }
  }

  remove(vm: VmName): void {
    rmSync(this.#path(vm), { force: true });
  }

  /** Calls `changed` after any file changed, by whomever; returns how to stop. */
  watch(changed: () => void): () => void {
    let timer: NodeJS.Timeout | undefined;
    const watcher: FSWatcher = watch(this.directory, (_event, file) => {
      if (file !== null && !file.endsWith(suffix)) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        changed();
      }, burstMs);
    });
    // The folder itself may be removed while it is watched, by whoever cleans up.
    watcher.on("error", () => watcher.close());
    return () => {
      clearTimeout(timer);
      watcher.close();
    };
  }

  #path(vm: VmName): string {
    return join(this.directory, `${vm}${suffix}`);
  }
}

function storageError(what: string, cause: unknown): HypervisorError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new HypervisorError(`simulated guests: ${what}: ${why}`, { code: "STORAGE", cause });
}
