import {
  clusterKeyFingerprint,
  generateClusterKey,
  writeClusterKeyFile,
} from "../store/cluster-key.ts";
import { exitCodes } from "./cli-error.ts";
import { printJson, type VerbRunner } from "./verb-context.ts";

/** `evenkeel key generate --out FILE`: a new cluster key, mode 0600; never over a file that is there. */
export const keyGenerate: VerbRunner = async (context, { options }) => {
  const file = String(options["out"]);
  const key = generateClusterKey();
  writeClusterKeyFile(file, key);
  const fingerprint = clusterKeyFingerprint(key);
  if (context.json) {
    printJson(context, { file, id: key.id, fingerprint });
  } else {
    context.io.out(`new cluster key ${key.id} in ${file}, fingerprint ${fingerprint}`);
    context.io.out("whoever has this file is root on every host of the cluster: copy it with care");
  }
  return exitCodes.ok;
};
