import { otherClusters } from "./other-clusters.ts";
import type { Section } from "./section.ts";

/** In the order they are printed. */
export const SECTIONS: readonly Section[] = [otherClusters];
