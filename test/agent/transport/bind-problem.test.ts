import { expect, it } from "vitest";
import { bindProblem } from "#agent/transport/bind-problem.ts";

const manyLines = `Some configured addresses failed to be listened on:
  /ip4/10.0.0.1/tcp/7531: Error: listen EADDRINUSE: address already in use 10.0.0.1:7531
      at Server.setupListenHandle [as _listen2] (node:net:2328:16)`;

it.each([
  [new Error(manyLines), "it is in use by another program"],
  [new Error("bind EADDRNOTAVAIL 10.0.0.9:7531"), "this host has no such address"],
  [new Error("something else\nwith a stack"), "something else"],
  ["no error at all", "no error at all"],
])("bindProblem() gives %j in a few words on one line", (cause, words) => {
  expect(bindProblem(cause)).toBe(words);
});
