import { describe, expect, it } from "vitest";
import { Malformed } from "#lib/wire/malformed.ts";
import { validate } from "#lib/wire/validate.ts";
import { readMoveNeedsFields } from "#lib/wire/validate-move-needs.ts";

const needs = {
  files: ["/usr/bin/qemu-system-x86_64"],
  disks: ["/srv/shared/web.qcow2"],
  copies: [{ path: "/srv/a.raw", format: "raw", sizeBytes: 2, usedBytes: 1 }],
  bridges: ["br0"],
  interfaces: [],
  networks: ["default"],
  hugepages: [{ pageBytes: 2 ** 21, memoryBytes: 96 << 20 }],
  cpu: { kind: "features", model: "qemu64", vendor: null, features: ["lahf_lm", "sse4.1"] },
} as const;

describe("readMoveNeedsFields()", () => {
  it("takes what it is given, and no field more", () => {
    expect(validate({ ...needs, more: 1 }, readMoveNeedsFields)).toEqual(needs);
    const bare = { ...needs, cpu: null };
    expect(validate(bare, readMoveNeedsFields)).toEqual(bare);
  });

  it.each([
    ["too many paths", { files: Array(65).fill("/a") }],
    ["a feature that would end its quotes", { cpu: { ...needs.cpu, features: ["a'/>"] } }],
    ["a model in markup", { cpu: { ...needs.cpu, model: "<model>" } }],
    ["a kind that nobody knows", { cpu: { ...needs.cpu, kind: "other" } }],
    ["pages below nothing", { hugepages: [{ pageBytes: -1, memoryBytes: 1 }] }],
    ["an image that is nowhere", { copies: [{ ...needs.copies[0], path: "a" }] }],
    ["no list of networks", { networks: null }],
  ])("refuses %s", (_what, change) => {
    expect(validate({ ...needs, ...change }, readMoveNeedsFields)).toBeInstanceOf(Malformed);
  });
});
