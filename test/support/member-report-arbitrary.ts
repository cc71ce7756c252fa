import fc from "fast-check";
import type { MemberNews, SwitchNews } from "#lib/model/member-news.ts";
import type { MemberReportMessage } from "#lib/wire/messages.ts";

/** A report of the given news, whose names are those of services. */
export function memberReportOf(parts: {
  readonly members: fc.Arbitrary<MemberNews>;
  readonly switches: fc.Arbitrary<SwitchNews>;
  readonly serviceName: fc.Arbitrary<string>;
}): fc.Arbitrary<MemberReportMessage> {
  const names = fc.array(parts.serviceName, { maxLength: 3 });
  return fc.record({
    type: fc.constant("memberReport" as const),
    incarnation: fc.nat(),
    seq: fc.nat(),
    standing: fc.record({
      draining: fc.boolean(),
      utilisation: fc.double({ min: 0, max: 2, noNaN: true }),
      freeMemoryBytes: fc.nat(),
    }),
    members: fc.array(parts.members, { maxLength: 3 }),
    switch: fc.array(parts.switches, { maxLength: 3 }),
    mayStage: names,
    mayGo: names,
  });
}
