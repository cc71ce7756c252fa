import { rmSync } from "node:fs";
import type { MoveFault } from "#lib/simulation/move-cell.ts";
import type { AgentHost } from "./agent-host.ts";
import { copyPath } from "./copy-watch.ts";
import type { MoveLane } from "./move-lane.ts";

/** How long an agent stays dead. */
const DEAD_MS = 1_500;
/** More than the five seconds after which an agent looks at everything anew. */
const PAUSED_MS = 6_500;
const CUT_MS = 4_000;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Lets the fault befall the move, lets go on whoever was `held` and is not struck, and mends what
 * is broken after a while. Resolves when all of it is mended.
 */
export async function strike(
  lane: MoveLane,
  vm: string,
  blow: { readonly fault: MoveFault; readonly held: readonly AgentHost[] },
): Promise<void> {
  const { source, target, fleet } = lane;
  const goOn = (except?: AgentHost) => {
    for (const host of blow.held) if (host !== except && host.running) host.goOn();
  };
  switch (blow.fault) {
    case "source agent killed":
      return killed([source], goOn);
    case "target agent killed":
      return killed([target], goOn);
    case "both agents killed":
      return killed([source, target], goOn);
    case "source guest killed":
      rmSync(copyPath(source, vm), { force: true });
      return goOn();
    case "target guest killed":
      rmSync(copyPath(target, vm), { force: true });
      return goOn();
    case "channel killed":
      killChannel(lane);
      return goOn();
    case "source agent paused":
      return paused(source, goOn);
    case "target agent paused":
      return paused(target, goOn);
    case "link cut":
      fleet.cut(1);
      goOn();
      await wait(CUT_MS);
      fleet.heal(1);
      return;
  }
}

async function killed(hosts: readonly AgentHost[], goOn: () => void): Promise<void> {
  await Promise.all(hosts.map((host) => host.kill()));
  goOn();
  await wait(DEAD_MS);
  for (const host of hosts) host.spawn();
  await Promise.all(hosts.map((host) => host.answers()));
}

async function paused(host: AgentHost, goOn: (except: AgentHost) => void): Promise<void> {
  host.pause();
  goOn(host);
  await wait(PAUSED_MS);
  host.goOn();
}

/** One end is enough, as one process is: the stream breaks at both. */
function killChannel({ source, target }: MoveLane): void {
  const [pid] = [...source.channelPids(), ...target.channelPids()];
  if (pid !== undefined) process.kill(pid, "SIGKILL");
}
