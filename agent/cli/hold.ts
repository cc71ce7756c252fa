import { simpleVerb } from "./simple-verb.ts";

/** `evenkeel hold`: stops new actions, on every host of the cluster. */
export const hold = simpleVerb(() => ({ path: "/v1/mode", body: { mode: "hold" } }));
