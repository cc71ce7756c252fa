import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GuestFiles } from "#agent/hypervisor/sim/guest-files.ts";
import { SimDriver } from "#agent/hypervisor/sim/sim-driver.ts";
import { SystemClock } from "#agent/os/system-clock.ts";
import type { VmName } from "#lib/model/ids.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import { counterMs, type SimCopy } from "#lib/simulation/sim-copy.ts";
import { SimHost } from "#lib/simulation/sim-host.ts";
import type { ContractRig } from "../support/contract-rig.ts";
import { hypervisorContract } from "../support/hypervisor-contract.ts";

/** A simulated guest counts ten a second. */
const countMs = 100;
const mebibyte = 2 ** 20;

interface Shown {
  readonly boot: string;
  readonly countMs: number;
  readonly wallMs: number;
}

/** Watches guests from outside, as any test of real agents can: by their files alone. */
class SimRig implements ContractRig {
  readonly handsOver = false;
  readonly #root = mkdtempSync(join(tmpdir(), "ek-sim-"));
  readonly #files = {
    source: new GuestFiles(join(this.#root, "source", "sim-guests")),
    target: new GuestFiles(join(this.#root, "target", "sim-guests")),
  };
  readonly #shown = new Map<VmName, Shown>();
  readonly #faults = new Map<VmName, string>();
  source = this.#driver("source");
  target = this.#driver("target");

  #driver(side: "source" | "target"): SimDriver {
    // All of the modelled memory passes: the suite breaks streams after some of its bytes.
    return new SimDriver({
      stateDirectory: join(this.#root, side),
      clock: new SystemClock(),
      wireShare: 1,
    });
  }

  spec(vm: VmName) {
    return simVmSpec(vm, 8 * mebibyte);
  }

  socketPath(name: string): string {
    return join(this.#root, name);
  }

  async restartAgent(side: "source" | "target"): Promise<void> {
    await this[side].stop();
    this[side] = this.#driver(side);
    await this[side].start();
  }

  async killCopy(side: "source" | "target", vm: VmName): Promise<void> {
    const files = this.#files[side];
    const host = new SimHost(({ after }) => (after ? files.write(after) : files.remove(vm)));
    host.restore(vm, files.read(vm));
    host.kill(vm);
  }

  async count(vm: VmName): Promise<number> {
    const running = [this.#files.source, this.#files.target]
      .map((files) => files.read(vm))
      .filter((copy): copy is SimCopy => copy !== null && copy.sinceMs !== null);
    if (running.length > 1) this.#faults.set(vm, "two copies run");
    const [copy] = running;
    if (copy) this.#see(vm, copy);
    const shown = this.#shown.get(vm);
    return shown ? Math.floor(shown.countMs / countMs) : -1;
  }

  #see(vm: VmName, copy: SimCopy): void {
    const wallMs = Date.now();
    const last = this.#shown.get(vm);
    const now = { boot: copy.boot, countMs: counterMs(copy, wallMs), wallMs };
    this.#shown.set(vm, now);
    if (last?.boot !== now.boot) return;
    const passedMs = wallMs - last.wallMs;
    if (now.countMs < last.countMs) this.#faults.set(vm, "a count was repeated");
    if (now.countMs > last.countMs + passedMs + 1) this.#faults.set(vm, "counts were skipped");
  }

  async countFault(vm: VmName): Promise<string | null> {
    await this.count(vm);
    return this.#faults.get(vm) ?? null;
  }

  async close(): Promise<void> {
    await this.source.stop();
    await this.target.stop();
    rmSync(this.#root, { recursive: true, force: true });
  }
}

hypervisorContract("SimDriver", async () => {
  const rig = new SimRig();
  await rig.source.start();
  await rig.target.start();
  return rig;
});
