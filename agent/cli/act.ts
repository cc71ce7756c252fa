import { simpleVerb } from "./simple-verb.ts";

/** `evenkeel act`: lets the election act, on every host of the cluster. */
export const act = simpleVerb(() => ({ path: "/v1/mode", body: { mode: "act" } }));
