import { expect, test } from "vitest";
import { assert, assertNever } from "#lib/base/assert.ts";
import { AgentError } from "#lib/base/errors.ts";

class TeapotError extends AgentError {
  readonly code = "TEAPOT";
}

test("AgentError bears its subclass's name and code, and keeps its cause", () => {
  const cause = new Error("no water");
  const error = new TeapotError("cannot brew tea in pot-1: it is empty; fill it", { cause });
  expect(error).toMatchObject({ name: "TeapotError", code: "TEAPOT", cause });
});

test("assert() passes what holds and names what does not", () => {
  expect(() => assert(1, "one holds")).not.toThrow();
  expect(() => assert(0, "zero holds")).toThrow("assertion failed: zero holds");
  expect(() => assertNever("x" as never)).toThrow('assertion failed: unexpected "x"');
});
