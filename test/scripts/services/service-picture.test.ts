import { describe, expect, it } from "vitest";
import type { ServiceMemberAnswer } from "#agent/cli/answers.ts";
import { paletteOf } from "#agent/cli/palette.ts";
import type { HostId } from "#lib/model/ids.ts";
import { type ServiceLook, servicePictureOf } from "../../../scripts/services/service-picture.ts";

const plain = { palette: paletteOf(false), unicode: false };

function member(host: string, state: ServiceMemberAnswer["state"], sessions: number | null) {
  return {
    host,
    hostId: host as HostId,
    hostState: "live" as const,
    state,
    outdated: false,
    obstacle: "",
    cpuShare: null,
    sessions,
    diskBytes: 0,
  } as ServiceMemberAnswer;
}

function look(changes: Partial<ServiceLook> = {}): ServiceLook {
  return {
    atMs: 0,
    members: [member("n1", "running", 2), member("n2", "suspended", 0)],
    load: { second: 1, requests: 50, ok: 50, lost: 0, p50Ms: 205.4, p99Ms: 420, maxMs: 430 },
    requestsLost: 0,
    queued: 2,
    targetMs: 500,
    happenings: [{ atMs: 2_500, host: "n2", state: "suspended" }],
    beganAtMs: 1_000,
    ...changes,
  };
}

describe("servicePictureOf", () => {
  it("shows each host's member, what clients see, and what happened last", () => {
    const lines = servicePictureOf(look())
      .lines(plain)
      .map((line) => line.trimEnd());
    expect(lines[1]).toMatch(/^n1 +running +#{12}\.{12} +2$/);
    expect(lines[2]).toMatch(/^n2 +suspended +-$/);
    expect(lines).toContain("50 requests/s   p50 205 ms   p99 420 ms   2 queued   0 lost");
    expect(lines.at(-1)).toBe("   1.5 s  n2 suspended");
  });

  it("says the same in a line for a log, with all that happened", () => {
    const picture = servicePictureOf(look({ load: null }));
    expect(picture.line).toBe("n1 running   n2 suspended   no requests yet");
    expect(picture.happened).toEqual(["   1.5 s  n2 suspended"]);
  });
});
