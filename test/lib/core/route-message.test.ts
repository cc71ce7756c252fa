import { describe, expect, it } from "vitest";
import { proposal, settledDriver } from "../../support/node-driver.ts";

describe("routeMessage()", () => {
  it("takes orders over a stream only: news reaches everybody", () => {
    const driver = settledDriver({ own: ["web"] });
    const verb = { verb: "stop", vm: "web", force: true } as const;
    driver.receive("QmOther", { type: "verbRequest", requestId: "7", verb }, "news");
    driver.receive("QmOther", proposal("db"), "news");
    driver.wait(500);
    expect(driver.runs(driver.all)).toEqual([]);
  });

  it("takes documents and records as news", () => {
    const driver = settledDriver();
    const documents = [
      { name: "mode", version: 1, hash: "aa", author: "QmOther", value: '{"mode":"act"}' },
    ];
    const none = { records: [], verdicts: [], wants: [], wantsDocuments: [] };
    driver.receive("QmOther", { type: "delta", ...none, documents }, "news");
    expect(driver.node.snapshot(driver.nowMs).mode).toBe("act");
  });
});
