import { AgentError } from "../base/errors.ts";

/** Thrown when a simulated run violates what must hold; the message ends in the line that replays it. */
export class SimulationFailure extends AgentError {
  readonly code = "SIMULATION";
}
