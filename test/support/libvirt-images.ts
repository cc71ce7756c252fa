import { existsSync, rmSync } from "node:fs";
import { diskCounts, diskFault } from "./disk-counts.ts";
import { eventually } from "./eventually.ts";
import type { LibvirtFleet } from "./libvirt-fleet.ts";

const CLEARED = { limitMs: 10_000, pollMs: 200 };
const STEP = { limitMs: 60_000, pollMs: 200 };

/** The images of one VM on two hosts, after a move of it was struck. */
export class LibvirtImages {
  readonly #libvirt: LibvirtFleet;
  readonly #vm: string;

  constructor(libvirt: LibvirtFleet, vm: string) {
    this.#libvirt = libvirt;
    this.#vm = vm;
  }

  /** Numbers of the hosts that have one, once all but that of `owner`, or of any, had time to go. */
  async left(owner: number | undefined): Promise<readonly number[]> {
    const there = () => [1, 2].filter((number) => existsSync(this.#path(number)));
    const isCleared = async () =>
      there().length <= 1 && there().every((number) => number === (owner ?? number));
    await eventually("the other image is gone", isCleared, CLEARED).catch(() => undefined);
    return there();
  }

  /** What is wrong with the image of the copy that runs; null for nothing. */
  async faultAt(owner: number): Promise<string | null> {
    const said = await this.#libvirt.count(this.#vm);
    return this.#fault(owner, said);
  }

  /**
   * Of a VM without a copy: boots it cold where the agents say that it is, from an image that must
   * hold all that it had written. Null when it does; it is off again then.
   */
  async faultOfColdBoot(): Promise<string | null> {
    const said = await this.#libvirt.count(this.#vm);
    for (const number of await this.#owners()) {
      const fault = this.#fault(number, said);
      if (fault !== null) return fault;
      const { api } = this.#libvirt.fleet.host(number);
      await api.post(`/v1/vms/${this.#vm}/start`);
      const isAnew = async () => (await this.#libvirt.serial(this.#vm)).repeated.includes(2);
      await eventually(`${this.#vm} boots cold on ${number}`, isAnew, STEP);
      const counts = diskCounts(this.#path(number));
      this.#libvirt.hosts[number - 1]?.killGuest(this.#vm);
      return counts[0] === 0 ? null : `the disk begins at ${counts[0]} after a cold boot`;
    }
    return "no agent has it";
  }

  /** As its admin does who read of it. */
  remove(number: number): void {
    rmSync(this.#path(number), { force: true });
  }

  #fault(number: number, said: number): string | null {
    const path = this.#path(number);
    if (!existsSync(path)) return `the image of host ${number} is gone`;
    return diskFault(diskCounts(path), said);
  }

  async #owners(): Promise<readonly number[]> {
    const owners: number[] = [];
    for (const [i, { api, name }] of this.#libvirt.fleet.hosts.entries()) {
      const { host } = await api.status();
      const rows = (await api.vms()).filter(
        (row) => row.name === this.#vm && [name, host].includes(row.host),
      );
      if (rows.length > 0) owners.push(i + 1);
    }
    return owners;
  }

  #path(number: number): string {
    return this.#libvirt.localImage(this.#vm, number);
  }
}
