/** Bounds of one move, in ms. Every wait of the protocol is one of these. */
export interface MoveParams {
  /** A grant that sees no begin lapses; the source starts at once or never. */
  readonly grantMs: number;
  /** From begin to ready: the target starts a hypervisor process. */
  readonly readyMs: number;
  /** From the source's copy pausing to the target's vote; then the source takes its copy back. */
  readonly voteMs: number;
  /** A vote older than this does not commit: the source asks anew. */
  readonly voteFreshMs: number;
  /** First and longest wait between two questions to an end that does not answer. */
  readonly askMsMin: number;
  readonly askMsMax: number;
  /** A target that receives and hears nothing of its source for this long gives the copy up. */
  readonly silenceMs: number;
  /** After this long without an answer a move is shown as in doubt. */
  readonly doubtMs: number;
  /** How long an aborted or refused move is remembered for an end that never asks. */
  readonly keepMs: number;
}

export const defaultMoveParams: MoveParams = {
  grantMs: 5_000,
  readyMs: 20_000,
  voteMs: 3_000,
  voteFreshMs: 1_000,
  askMsMin: 500,
  askMsMax: 5_000,
  silenceMs: 60_000,
  doubtMs: 10_000,
  keepMs: 3_600_000,
};
