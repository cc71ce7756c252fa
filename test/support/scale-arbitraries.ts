import fc from "fast-check";
import type {
  ScaleAnswerMessage,
  ScaleMessage,
  ShiftAnswerMessage,
  ShiftMessage,
} from "#lib/wire/messages.ts";
import { serviceName } from "./service-arbitraries.ts";

const hex8 = fc.stringMatching(/^[0-9a-f]{8}$/);
const hostId = fc.stringMatching(/^[1-9A-HJ-NP-Za-km-z]{4,52}$/);
const figure = fc.double({ min: 0, max: 2 ** 50, noNaN: true }).map(Math.abs);
const refusal = fc.option(fc.string({ maxLength: 512 }), { nil: null });

/** What stewards and hosts say to each other. */
export const scaleMessage: fc.Arbitrary<
  ScaleMessage | ScaleAnswerMessage | ShiftMessage | ShiftAnswerMessage
> = fc.oneof(
  fc.record(
    {
      type: fc.constant("scale" as const),
      service: serviceName,
      change: fc.constantFrom("run", "rest" as const),
      host: hostId,
      steward: hostId,
      document: fc.record({ version: fc.nat(), hash: hex8 }),
      changing: fc.array(hostId, { maxLength: 8 }),
      runningDigest: hex8,
      replaces: fc.option(hostId, { nil: null }),
      cpuCoresMax: figure,
      relay: hostId,
    },
    {
      requiredKeys: [
        "type",
        "service",
        "change",
        "host",
        "steward",
        "document",
        "changing",
        "runningDigest",
        "replaces",
      ],
    },
  ),
  fc.record(
    {
      type: fc.constant("scaleAnswer" as const),
      service: serviceName,
      refusal,
      relayed: fc.record({ host: hostId, steward: hostId }),
    },
    { requiredKeys: ["type", "service", "refusal"] },
  ),
  fc.record({
    type: fc.constant("shift" as const),
    service: serviceName,
    from: hostId,
    to: hostId,
    cpuCoresMax: figure,
  }),
  fc.record({ type: fc.constant("shiftAnswer" as const), service: serviceName, refusal }),
);
