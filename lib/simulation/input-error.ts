import { AgentError } from "../base/errors.ts";

/** Thrown when what a simulation was to start from cannot be used; the message names place and remedy. */
export class SimulationInputError extends AgentError {
  readonly code = "SIMULATION_INPUT";
}
