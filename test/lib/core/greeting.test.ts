import { describe, expect, it } from "vitest";
import { Greeting } from "#lib/core/greeting.ts";
import { viewDefaults } from "#lib/view/params.ts";
import { View } from "#lib/view/view.ts";
import { summaryRecord } from "../../support/view-records.ts";

/** A view of this host and `others` more, of which the first `old` have published often. */
function viewOf(others: number, old = 0): View {
  const view = new View({ self: "QmSelf", params: viewDefaults });
  view.publishOwn(summaryRecord("QmSelf", 1), 0);
  for (let i = 0; i < others; i += 1) {
    view.merge(summaryRecord(`QmHost${i}`, i < old ? 4 : 3), 0);
  }
  return view;
}

function decisions(view: View): string[] {
  const greeting = new Greeting();
  return [greeting.decide(view), greeting.decide(view)];
}

describe("Greeting", () => {
  it("is said at once to a few, and by a newcomer among hosts that have run for long", () => {
    expect(decisions(viewOf(2))[0]).toBe("now");
    expect(decisions(viewOf(9, 5))[0]).toBe("now");
  });

  it("waits once where most start together", () => {
    expect(decisions(viewOf(3))).toEqual(["later", "now"]);
    expect(decisions(viewOf(9, 4))).toEqual(["later", "now"]);
    expect(decisions(viewOf(64))).toEqual(["later", "now"]);
  });

  it("is left out where very many start together", () => {
    expect(decisions(viewOf(65))).toEqual(["later", "never"]);
  });
});
