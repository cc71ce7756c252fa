import { describe, expect, it } from "vitest";
import { Malformed } from "#lib/wire/malformed.ts";
import { validate } from "#lib/wire/validate.ts";
import { readMessage } from "#lib/wire/validate-message.ts";
import { readRecord } from "#lib/wire/validate-record.ts";
import { scaleReaders } from "#lib/wire/validate-scale.ts";
import { readServiceNewsFields } from "#lib/wire/validate-service-news.ts";

const member = {
  ...{ service: "web", state: "running", outdated: false, waiting: false, cpuShare: 0.5 },
  ...{ diskBytes: 1, obstacle: "", atSwitch: "ready", drainMark: null },
};
const shown = { host: "QmHost", state: "ready", sessions: 1, drainMark: null };
const told = { service: "web", queued: 0, problem: "", members: [shown] };
const read = (body: unknown) => validate(body, readServiceNewsFields);

describe("readServiceNewsFields", () => {
  it("leaves out what an older agent does not say", () => {
    expect(read({})).toEqual({});
    expect(read({ members: [] })).toEqual({ members: [] });
    expect(read({ members: [member], switch: [told] })).toEqual({
      members: [member],
      switch: [told],
    });
    const sick = { ...member, healthy: false };
    expect(read({ members: [sick, { ...member, healthy: true }] })).toEqual({
      members: [sick, member],
    });
    const record = { kind: "inventory", host: "QmHost", incarnation: 1, seq: 1 };
    expect(readRecord({ ...record, body: { vms: [], outcomes: [] } })).toMatchObject({
      body: { vms: [], outcomes: [] },
    });
  });

  it.each([
    ["a state that there is not", { members: [{ ...member, state: "asleep" }] }],
    ["a wish that there is not", { members: [{ ...member, atSwitch: "off" }] }],
    ["a health that there is not", { members: [{ ...member, healthy: "no" }] }],
    ["a long obstacle", { members: [{ ...member, obstacle: "x".repeat(257) }] }],
    ["too many members", { members: Array(121).fill(member) }],
    ["a host that is none", { switch: [{ ...told, members: [{ ...shown, host: "../x" }] }] }],
    ["too many at a switch", { switch: [{ ...told, members: Array(1_025).fill(shown) }] }],
    ["a queue below nothing", { switch: [{ ...told, queued: -1 }] }],
  ])("refuses %s", (_, body) => {
    expect(read(body)).toBeInstanceOf(Malformed);
  });
});

describe("scaleReaders", () => {
  const scale = {
    ...{ type: "scale", service: "web", change: "run", host: "QmHostA", steward: "QmHostB" },
    ...{ document: { version: 1, hash: "00ff00ff" }, changing: ["QmHostA"] },
    ...{ runningDigest: "00ff00ff", replaces: null },
  };

  it("take a proposal and its answer as they are", () => {
    const types = ["scale", "scaleAnswer", "shift", "shiftAnswer"];
    expect(Object.keys(scaleReaders)).toEqual(types);
    expect(readMessage({ ...scale, more: 1 })).toEqual(scale);
    const answer = { type: "scaleAnswer", service: "web", refusal: "is being drained" };
    expect(readMessage(answer)).toEqual(answer);
    expect(readMessage({ ...answer, soon: true })).toEqual({ ...answer, soon: true });
  });

  it.each([
    { type: "shift", service: "web", from: "QmHostA", to: "QmHostB", cpuCoresMax: 2.5 },
    { type: "shiftAnswer", service: "web", refusal: null },
  ])("take $type as it is, and refuse it without each of its fields", (message) => {
    expect(readMessage({ ...message, more: 1 })).toEqual(message);
    for (const key of Object.keys(message)) {
      expect(readMessage({ ...message, [key]: -7 })).toBeInstanceOf(Malformed);
    }
  });

  it.each([
    ["a change that there is not", { change: "stop" }],
    ["a host that is none", { changing: ["QmHostA", 7] }],
    ["too many hosts", { changing: Array(17).fill("QmHostA") }],
    ["a digest that is none", { runningDigest: "XYZ" }],
    ["no document", { document: null }],
    ["a limit that is none", { cpuCoresMax: -1 }],
  ])("refuse %s", (_, change) => {
    expect(readMessage({ ...scale, ...change })).toBeInstanceOf(Malformed);
  });
});
