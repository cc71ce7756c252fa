import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readClusterFile } from "#lib/simulation/cluster-file.ts";
import type { ClusterModel } from "#lib/simulation/cluster-model.ts";

/** A cluster file of the data folder; null when there is none. */
export function recordedCluster(dataFolder: string | null, name: string): ClusterModel | null {
  if (dataFolder === null) return null;
  const path = join(dataFolder, "clusters", name);
  return existsSync(path) ? readClusterFile(readFileSync(path, "utf8")) : null;
}
