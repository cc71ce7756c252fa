import type { CellEnd, MoveFault, MovePhase } from "#lib/simulation/move-cell.ts";

/** One cell: where the VM may run in the end, once what broke is mended, and why. */
export type MoveFaultRow = readonly [
  phase: MovePhase,
  fault: MoveFault,
  ends: readonly CellEnd[],
  why: string,
];

/** What becomes of a move that a fault strikes: each phase with each fault. */
export const moveFaultTable: readonly MoveFaultRow[] = [
  // Nothing but a promise exists yet.
  ["granted", "source agent killed", ["source"], "the grant lapses; nothing was begun"],
  ["granted", "target agent killed", ["source"], "the target forgot its grant and says unknown"],
  ["granted", "source guest killed", ["nowhere"], "its only copy was killed, and that is told"],
  ["granted", "target guest killed", ["target"], "there is none yet; the move goes on"],
  ["granted", "channel killed", ["target"], "there is none yet; the move goes on"],
  ["granted", "source agent paused", ["source", "target"], "goes on if the grant still holds"],
  ["granted", "target agent paused", ["source", "target"], "goes on if the source still waits"],
  ["granted", "link cut", ["source", "target"], "goes on if the link heals in time"],
  ["granted", "both agents killed", ["source"], "neither remembers anything that was begun"],
  // Memory is on its way; the guest runs at the source.
  ["receiving", "source agent killed", ["source"], "its channel dies, the guest runs on"],
  ["receiving", "target agent killed", ["source"], "its channel dies, the guest runs on"],
  ["receiving", "source guest killed", ["nowhere"], "its only whole copy was killed"],
  ["receiving", "target guest killed", ["source", "target"], "fails, unless it was not there yet"],
  ["receiving", "channel killed", ["source", "target"], "fails, unless it was not there yet"],
  ["receiving", "source agent paused", ["source", "target"], "the stream goes on without it"],
  ["receiving", "target agent paused", ["source", "target"], "no vote comes in time, or it does"],
  ["receiving", "link cut", ["source", "target"], "stalls, and goes on when it heals in time"],
  ["receiving", "both agents killed", ["source"], "their channels die, the guest runs on"],
  // The target has voted; the source decides.
  [
    "held",
    "source agent killed",
    ["source", "target"],
    "as its journal says: aborted or committed",
  ],
  ["held", "target agent killed", ["source", "target"], "the vote arrived, or it did not"],
  ["held", "source guest killed", ["target"], "the target's copy is the VM: commit forward"],
  ["held", "target guest killed", ["source"], "the target refuses, the source takes it back"],
  ["held", "channel killed", ["source", "target"], "the copy was sent, or the source runs on"],
  ["held", "source agent paused", ["source", "target"], "a vote too old is asked for anew"],
  ["held", "target agent paused", ["source", "target"], "the vote arrived, or it did not"],
  ["held", "link cut", ["source", "target"], "the vote arrived, or it did not"],
  ["held", "both agents killed", ["source", "target"], "as the source's journal says"],
  // The source's journal has given the VM away.
  ["committed", "source agent killed", ["target"], "its journal tells the target again"],
  ["committed", "target agent killed", ["target"], "its journal holds; it asks and runs"],
  ["committed", "source guest killed", ["target"], "that copy was given away already"],
  ["committed", "target guest killed", ["source"], "it never ran: refused, and taken back"],
  ["committed", "channel killed", ["target"], "all has passed through it already"],
  ["committed", "source agent paused", ["target"], "the target asks until it answers"],
  ["committed", "target agent paused", ["target"], "the source tells until it hears"],
  ["committed", "link cut", ["target"], "frozen until they talk, then the target runs"],
  ["committed", "both agents killed", ["target"], "both journals say so"],
  // The target's journal says that it runs.
  ["running", "source agent killed", ["target"], "it discards its copy when it is back"],
  ["running", "target agent killed", ["target"], "the guest runs on, or is run when it is back"],
  ["running", "source guest killed", ["target"], "that copy was to be discarded anyway"],
  ["running", "target guest killed", ["source", "nowhere"], "refused if it never ran, else told"],
  ["running", "channel killed", ["target"], "all has passed through it already"],
  ["running", "source agent paused", ["target"], "it discards its copy when it goes on"],
  ["running", "target agent paused", ["target"], "the guest runs meanwhile, or soon"],
  ["running", "link cut", ["target"], "it runs; the source's copy waits for the word"],
  ["running", "both agents killed", ["target"], "the target runs it, the source discards"],
];
