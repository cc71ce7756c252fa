import { isVmName, type VmName } from "#lib/model/ids.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { type DomainLook, domainStates } from "./domain-state.ts";
import type { LibvirtSettings } from "./libvirt-options.ts";
import { managedSavePath, managedSaveStamp } from "./managed-save.ts";
import { parseDomstats } from "./parse-domstats.ts";
import type { VirshSession } from "./virsh-session.ts";

/** What the daemon shows of its domains; asked anew each time, never remembered. */
export class DomainTable {
  readonly #asking: VirshSession;
  readonly #settings: LibvirtSettings;

  constructor(asking: VirshSession, settings: LibvirtSettings) {
    this.#asking = asking;
    this.#settings = settings;
  }

  /** All domains whose names can be VM names. */
  async all(): Promise<ReadonlyMap<VmName, DomainLook>> {
    const figures = parseDomstats(
      await this.#asking.ask(["domstats", "--raw", "--nowait", "--state"]),
    );
    const [persistent, saved] = [await this.#names("--persistent"), await this.#saved(figures)];
    const looks = new Map<VmName, DomainLook>();
    for (const { name, number } of figures) {
      if (!isVmName(name)) continue;
      looks.set(name, {
        state: number("state.state") ?? 0,
        reason: number("state.reason") ?? 0,
        isPersistent: persistent.has(name),
        savedImage: saved.has(name) ? await this.#stamp(name) : null,
      });
    }
    return looks;
  }

  /** One domain; undefined when there is none of that name. */
  async look(vm: VmName): Promise<DomainLook | undefined> {
    try {
      const info = await this.#asking.ask(["dominfo", vm]);
      const stats = await this.#asking.ask(["domstats", "--raw", "--nowait", "--state", vm]);
      const figures = parseDomstats(stats)[0];
      if (figures === undefined) return undefined;
      return {
        state: figures.number("state.state") ?? 0,
        reason: figures.number("state.reason") ?? 0,
        isPersistent: /^Persistent:\s*yes$/m.test(info),
        savedImage: /^Managed save:\s*yes$/m.test(info) ? await this.#stamp(vm) : null,
      };
    } catch (error) {
      if (error instanceof HypervisorError && error.code === "VM_ABSENT") return undefined;
      throw error;
    }
  }

  #stamp(vm: VmName): Promise<string> {
    return managedSaveStamp(managedSavePath(this.#settings, vm));
  }

  async #names(...flags: readonly string[]): Promise<ReadonlySet<string>> {
    const text = await this.#asking.ask(["list", "--all", "--name", ...flags]);
    return new Set(text.split("\n").map((line) => line.trim()));
  }

  /** Only a domain that is shut off has a saved image to look for. */
  async #saved(figures: ReturnType<typeof parseDomstats>): Promise<ReadonlySet<string>> {
    const rests = figures.some(({ number }) => number("state.state") === domainStates.shutOff);
    return rests ? this.#names("--with-managed-save") : new Set();
  }
}
