/** What a source does about each happening that matters in each of its states, and why. */

export type SourceState =
  | "beginning"
  | "connecting"
  | "streaming"
  | "sent"
  | "judging"
  | "forward"
  | "committed"
  | "aborted"
  | "takenBack"
  | "discarding"
  | "rebooting";

type Row = readonly [
  state: SourceState,
  happening: string,
  orders: readonly string[],
  because: string,
];

const commits = ["journal committed", "send commit"];
const discards = ["journal discarding, disown", "run discard"];
export const loses = [
  "warn lost",
  "send close",
  "journal nothing",
  "run closeChannel",
  "ended lost",
];
const goesForward = ["run closeChannel", "send query as source"];
const takesBackAnew = ["journal aborted, own 9", "run takeBack"];
const runsOn = ["journal takenBack", "run closeChannel"];
const ends = ["journal nothing", "run closeChannel", "ended aborted"];
const duplicate = ["warn duplicate", "run moveVerdict"];

export const sourceTable: readonly Row[] = [
  ["beginning", "a question", ["send open"], "nothing is decided"],
  ["beginning", "ready", ["run connectChannel"], "the target listens"],
  ["beginning", "the target says refused", ["run moveVerdict"], "it reads before it aborts"],
  ["beginning", "the target says unknown", ["run moveVerdict"], "the grant was forgotten"],
  ["beginning", "the target says running", duplicate, "it must not, while this one runs"],
  ["beginning", "the target says ran", duplicate, "it must not have, while this one runs"],
  ["beginning", "no copy is listed", ["run moveVerdict"], "the guest ended"],
  ["beginning", "the operator cancels", ["run moveVerdict"], "it reads before it aborts"],

  ["connecting", "a question", ["send open"], "nothing is decided"],
  ["connecting", "connectChannel ends", ["run migrateOut"], "the channel stands"],
  ["connecting", "connectChannel fails", ["run moveVerdict"], "no channel, no move"],
  ["connecting", "the target says refused", ["run moveVerdict"], "it reads before it aborts"],
  ["connecting", "the target says unknown", ["run moveVerdict"], "the grant was forgotten"],
  ["connecting", "the target says running", duplicate, "it must not, while this one runs"],
  ["connecting", "the target says ran", duplicate, "it must not have, while this one runs"],
  ["connecting", "no copy is listed", ["run moveVerdict"], "the guest ended"],
  ["connecting", "the operator cancels", ["run moveVerdict"], "it reads before it aborts"],

  ["streaming", "a question", ["send open"], "nothing is decided"],
  ["streaming", "migrateOut ends", ["send query as source"], "the vote decides"],
  ["streaming", "migrateOut hands over", commits, "the hypervisor gave the copy away"],
  ["streaming", "migrateOut fails", ["run moveVerdict"], "what is left must be read"],
  ["streaming", "the target says refused", ["run cancelMigration"], "nobody takes it"],
  ["streaming", "the target says unknown", ["run cancelMigration"], "nobody takes it"],
  ["streaming", "the target says running", ["warn duplicate", "run cancelMigration"], "never two"],
  ["streaming", "the target says ran", ["warn duplicate", "run cancelMigration"], "never two"],
  ["streaming", "the operator cancels", ["run cancelMigration"], "its end brings the verdict"],

  ["sent", "a question", ["send open"], "nothing is decided"],
  ["sent", "the vote", commits, "the target holds a whole copy"],
  ["sent", "the target says held", commits, "the target holds a whole copy"],
  ["sent", "the target says refused", ["run moveVerdict"], "it reads before it aborts"],
  ["sent", "the target says unknown", ["run moveVerdict"], "the target forgot: it holds nothing"],
  ["sent", "the target says running", discards, "by an operator's word, with this end fenced"],
  ["sent", "the target says ran", discards, "by an operator's word, with this end fenced"],
  ["sent", "no copy is listed", goesForward, "only the target's copy may live"],
  ["sent", "the agent wakes late", ["run moveVerdict"], "an old look counts for nothing"],
  ["sent", "the other end is reachable", ["send query as source"], "it can answer now"],
  ["sent", "the operator cancels", ["run moveVerdict"], "until the vote it may"],
  ["sent", "the operator says run here", takesBackAnew, "the target is fenced"],
  ["sent", "the operator says discard", discards, "the target's is the VM"],

  ["judging", "a question", ["send open"], "nothing is decided"],
  ["judging", "the target says running", discards, "by an operator's word"],
  ["judging", "the target says ran", discards, "by an operator's word"],
  [
    "judging",
    "the verdict is open",
    ["journal aborted", "send abort", "run takeBack"],
    "the choice is ours",
  ],
  [
    "judging",
    "the verdict is aborted",
    ["journal aborted", "send abort", ...runsOn],
    "the copy runs already, and the target may hold another",
  ],
  ["judging", "the verdict is committed", commits, "the verdict is read, not chosen"],
  ["judging", "the verdict is gone", goesForward, "only the target's copy may live"],
  ["judging", "the other end is reachable", ["run moveVerdict"], "it looks again"],
  ["judging", "the operator says run here", takesBackAnew, "the target is fenced"],
  ["judging", "the operator says discard", discards, "the target's is the VM"],

  ["forward", "a question", ["send open"], "nothing is decided"],
  ["forward", "the vote", commits, "the target's copy is whole"],
  ["forward", "the target says held", commits, "the target's copy is whole"],
  ["forward", "the target says refused", loses, "neither end has a copy"],
  ["forward", "the target says unknown", loses, "neither end has a copy"],
  ["forward", "the target says running", discards, "it is the VM already"],
  ["forward", "the target says ran", discards, "it was the VM"],
  ["forward", "the other end is reachable", ["send query as source"], "it can answer now"],
  ["forward", "the operator says run here", takesBackAnew, "that will find no copy"],
  ["forward", "the operator says discard", discards, "the target's is the VM"],

  ["committed", "a question", ["send committed"], "the journal says so"],
  ["committed", "the vote", ["send commit"], "the target has not heard"],
  ["committed", "the target says held", ["send commit"], "the target has not heard"],
  ["committed", "the target says busy", ["send commit"], "the target has not heard"],
  ["committed", "the target says running", discards, "the target's is the VM"],
  ["committed", "the target says ran", ["warn ran", ...discards], "its memory is used up"],
  [
    "committed",
    "the target says refused",
    ["journal aborted, own 9", "send close", "run takeBack"],
    "only this gives the VM back, two versions on",
  ],
  ["committed", "the target says unknown", ["warn in-doubt"], "neither copy may run"],
  ["committed", "the other end is reachable", ["send commit"], "it can hear now"],
  ["committed", "the operator says run here", takesBackAnew, "the target is fenced"],
  ["committed", "the operator says discard", discards, "the target's is the VM"],

  ["aborted", "a question", ["send aborted"], "the journal says so"],
  ["aborted", "the vote", ["send abort"], "the target has not heard"],
  ["aborted", "the target says held", ["send abort"], "the target has not heard"],
  ["aborted", "the target says refused", ["send close"], "the target may forget it"],
  ["aborted", "takeBack ends", runsOn, "the guest runs on here, and the target may hold a copy"],
  ["aborted", "takeBack finds no copy", loses, "its only copy was killed"],
  ["aborted", "takeBack fails", ["warn take-back"], "it is tried again later"],
  ["aborted", "the operator says run here", takesBackAnew, "a version of its own"],
  ["aborted", "the operator says discard", discards, "the target's is the VM"],

  ["takenBack", "a question", ["send aborted"], "the journal says so"],
  ["takenBack", "the vote", ["send abort"], "the target has not heard"],
  ["takenBack", "the target says held", ["send abort"], "the target has not heard"],
  ["takenBack", "the target says busy", ["send abort"], "the target has not heard"],
  ["takenBack", "the target says refused", ["send close", ...ends], "its copy never runs"],
  ["takenBack", "the target says unknown", ends, "it holds nothing"],
  ["takenBack", "the target says running", ["warn duplicate", ...ends], "by an operator's word"],
  ["takenBack", "the target says ran", ["warn duplicate", ...ends], "by an operator's word"],
  ["takenBack", "the other end is reachable", ["send query as source"], "it can answer now"],
  ["takenBack", "the operator says run here", ends, "the target is fenced"],

  ["discarding", "a question", ["send closed"], "this end needs no more"],
  [
    "discarding",
    "discard ends",
    ["send close", "journal nothing", "run closeChannel", "ended moved"],
    "the target may forget it",
  ],
  ["discarding", "discard fails", ["warn discard"], "it is tried again later"],

  ["rebooting", "a question", ["send aborted"], "the operator gave it to this end"],
  ["rebooting", "the vote", ["send abort"], "the target has not heard"],
  ["rebooting", "the target says held", ["send abort"], "the target has not heard"],
  ["rebooting", "the target says refused", ["send close"], "the target may forget it"],
  ["rebooting", "discard ends", ["run start"], "the old memory is gone: boot anew"],
  ["rebooting", "discard fails", ["warn discard"], "nothing starts beside the old copy"],
  [
    "rebooting",
    "start ends",
    ["journal nothing", "run closeChannel", "ended resolved"],
    "it runs here anew",
  ],
  [
    "rebooting",
    "start fails",
    ["warn start", "journal nothing", "run closeChannel", "ended lost"],
    "it is shown as lost; 'vm start' tries again",
  ],
];
