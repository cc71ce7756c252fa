import type { HypervisorFacts } from "../model/host.ts";

/** What every simulated host says of its hypervisor. */
export const simHypervisor: HypervisorFacts = {
  kind: "sim",
  version: "1.0.0",
  accelerator: "none",
  liveMigrationRefusal: null,
  architecture: "sim",
};
