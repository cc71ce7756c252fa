/** Bounds of what this member keeps about the others. */
export interface ViewParams {
  /** Hosts that are remembered; records of further hosts are refused. */
  readonly hostsMax: number;
  /** Versions of dropped hosts that are remembered, so that old records do not bring them back. */
  readonly droppedMax: number;
  /** VM entries in one answer, so that it fits a frame. */
  readonly answerVmsMax: number;
}

export const viewDefaults: ViewParams = {
  // Four times the fleet that evenkeel is for.
  hostsMax: 4096,
  droppedMax: 1024,
  // About 250 bytes each: half of the largest frame.
  answerVmsMax: 512,
};
