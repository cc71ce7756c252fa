import type { HostId } from "../model/ids.ts";
import { compareRecordVersions } from "../model/record.ts";
import type { HostStanding } from "../services/service-view.ts";
import type { MemberReportMessage } from "../wire/messages.ts";
import { NewsByService } from "./news-by-service.ts";

/** A host that has not reported for this long has nothing more to report here, ms. */
const keptMs = 40_000;
/** An earlier life's report is older than a new one, unless its numbers were lost with the disk, ms. */
const olderMs = 15_000;
/** Who has nothing more to report is looked for this often, ms: at a switch each report would. */
const pruneMs = 1_000;
/** As many hosts as a view holds. */
const hostsMax = 1_024;

interface Kept {
  readonly report: MemberReportMessage;
  readonly heardMs: number;
}

/** What hosts report here of their members and switches, in a large cluster: each one's last. */
export class MemberReports {
  readonly news = new NewsByService();
  readonly #byHost = new Map<HostId, Kept>();
  #changes = 0;
  #prunedMs = Number.NEGATIVE_INFINITY;

  /** Rises with each report. */
  get changes(): number {
    return this.#changes;
  }

  heard(from: HostId, report: MemberReportMessage, nowMs: number): void {
    this.#prune(nowMs);
    const known = this.#byHost.get(from);
    if (known ? isOlder(report, known, nowMs) : this.#byHost.size >= hostsMax) return;
    this.#byHost.set(from, { report, heardMs: nowMs });
    this.news.set(from, report);
    this.#changes += 1;
  }

  standingOf(host: HostId): HostStanding | undefined {
    const known = this.#byHost.get(host);
    return known && { host, ...known.report.standing };
  }

  /** What the steward's last word is on this host's member of the service. */
  says(steward: HostId | undefined, what: "mayStage" | "mayGo", service: string): boolean {
    const known = steward === undefined ? undefined : this.#byHost.get(steward);
    return known?.report[what].includes(service) ?? false;
  }

  #prune(nowMs: number): void {
    if (nowMs - this.#prunedMs < pruneMs) return;
    this.#prunedMs = nowMs;
    for (const [host, { heardMs }] of this.#byHost) {
      if (nowMs - heardMs < keptMs) continue;
      this.#byHost.delete(host);
      this.news.set(host, undefined);
      this.#changes += 1;
    }
  }
}

function isOlder(report: MemberReportMessage, known: Kept, nowMs: number): boolean {
  if (report.incarnation < known.report.incarnation) return nowMs - known.heardMs < olderMs;
  return compareRecordVersions(report, known.report) <= 0;
}
