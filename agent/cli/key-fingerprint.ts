import { clusterKeyFingerprint, readClusterKeyFile } from "../store/cluster-key.ts";
import { exitCodes } from "./cli-error.ts";
import { printJson, type VerbRunner } from "./verb-context.ts";

const KEY_FILE_DEFAULT = "/etc/evenkeel/cluster.key";

/** `evenkeel key fingerprint [FILE]`: tells whether two hosts have the same key, without showing it. */
export const keyFingerprint: VerbRunner = async (context, { words }) => {
  const file = words[0] ?? KEY_FILE_DEFAULT;
  const key = readClusterKeyFile(file);
  const fingerprint = clusterKeyFingerprint(key);
  if (context.json) printJson(context, { file, id: key.id, fingerprint });
  else context.io.out(`${fingerprint}  ${key.id}  ${file}`);
  return exitCodes.ok;
};
