import fc from "fast-check";
import { expect } from "vitest";
import { AnswerFault } from "#agent/switch/answer-fault.ts";

/** Whatever is missing at the end of an answer, it is not taken for a whole one. */
export function expectFaultWhereverCut(parse: (answer: string) => unknown, answer: string): void {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: answer.trimEnd().length + 1 }), (length) => {
      expect(() => parse(answer.slice(0, length))).toThrow(AnswerFault);
    }),
  );
}
