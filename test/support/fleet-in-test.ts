import { onTestFinished } from "vitest";
import { AgentFleet, type FleetOptions } from "./agent-fleet.ts";

const LOG_TAIL_LENGTH = 2_500;

/** A fleet that ends with the test; after a failure it shows what its agents said last. */
export function fleetInTest(options: FleetOptions): AgentFleet {
  const fleet = new AgentFleet(options);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") showLogs(fleet);
    await fleet.close();
  });
  return fleet;
}

export function showLogs(fleet: AgentFleet): void {
  for (const host of fleet.hosts) {
    console.log(`--- last words of ${host.name} ---\n${host.log().slice(-LOG_TAIL_LENGTH)}`);
  }
}
