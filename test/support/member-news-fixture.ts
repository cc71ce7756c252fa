import type { MemberNews } from "#lib/model/member-news.ts";

/** A member of "web" that runs and serves. */
export const runningNews: MemberNews = {
  ...{ service: "web", state: "running", outdated: false, waiting: false, cpuShare: 0.5 },
  ...{ diskBytes: 0, obstacle: "", atSwitch: "ready", drainMark: null },
};
