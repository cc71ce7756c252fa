import { rmSync } from "node:fs";
import type { MoveFault } from "#lib/simulation/move-cell.ts";
import type { AgentHost } from "./agent-host.ts";
import { copyPath } from "./copy-watch.ts";
import type { MoveLane } from "./move-lane.ts";
import type { Hold } from "./move-phases.ts";

/** How long an agent stays dead. */
const DEAD_MS = 1_500;
/** More than the five seconds after which an agent looks at everything anew. */
const PAUSED_MS = 6_500;
const CUT_MS = 4_000;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export interface Blow {
  readonly fault: MoveFault;
  readonly vm: string;
  readonly hold: Hold;
}

/**
 * Lets the fault befall the move, lets go of whatever held it and is not struck, and mends what is
 * broken after a while. Resolves when all of it is mended.
 */
export async function strike(lane: MoveLane, { fault, vm, hold }: Blow): Promise<void> {
  const { source, target, fleet } = lane;
  const letGo = (except?: AgentHost) => {
    if (hold.linkDown) fleet.heal(1);
    if (hold.stopped?.running && hold.stopped !== except) hold.stopped.goOn();
  };
  switch (fault) {
    case "source agent killed":
      return killed([source], letGo);
    case "target agent killed":
      return killed([target], letGo);
    case "both agents killed":
      return killed([source, target], letGo);
    case "source guest killed":
      rmSync(copyPath(source, vm), { force: true });
      return letGo();
    case "target guest killed":
      rmSync(copyPath(target, vm), { force: true });
      return letGo();
    case "channel killed":
      killChannel(lane);
      return letGo();
    case "source agent paused":
      return paused(source, letGo);
    case "target agent paused":
      return paused(target, letGo);
    case "link cut":
      fleet.cut(1);
      if (hold.stopped) hold.stopped.goOn();
      await wait(CUT_MS);
      fleet.heal(1);
      return;
  }
}

async function killed(hosts: readonly AgentHost[], letGo: () => void): Promise<void> {
  await Promise.all(hosts.map((host) => host.kill()));
  letGo();
  await wait(DEAD_MS);
  for (const host of hosts) host.spawn();
  await Promise.all(hosts.map((host) => host.answers()));
}

async function paused(host: AgentHost, letGo: (except: AgentHost) => void): Promise<void> {
  host.pause();
  letGo(host);
  await wait(PAUSED_MS);
  host.goOn();
}

/** One end is enough, as one process is: the stream breaks at both. */
function killChannel({ source, target }: MoveLane): void {
  const [pid] = [...source.channelPids(), ...target.channelPids()];
  if (pid !== undefined) process.kill(pid, "SIGKILL");
}
