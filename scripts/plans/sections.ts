import { bitbrains } from "./bitbrains-section.ts";
import { decisionCost } from "./decision-cost-section.ts";
import { cluster20, cluster20Capped, cluster100, cluster1000 } from "./named-clusters.ts";
import { optimum } from "./optimum-section.ts";
import { otherClusters } from "./other-clusters.ts";
import { quietHour } from "./quiet-hour-section.ts";
import type { Section } from "./section.ts";
import { synthetic } from "./synthetic-section.ts";
import { tightMemory } from "./tight-memory-section.ts";

/** In the order they are printed. */
export const SECTIONS: readonly Section[] = [
  cluster20,
  cluster20Capped,
  cluster100,
  cluster1000,
  otherClusters,
  optimum,
  synthetic,
  quietHour,
  tightMemory,
  bitbrains,
  decisionCost,
];
