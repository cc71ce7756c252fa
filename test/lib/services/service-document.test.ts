import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isServiceDocument,
  readServiceDocument,
  serviceDocument,
  serviceDocumentName,
} from "#lib/services/service-document.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";
import { serviceSpec } from "../../support/service-arbitraries.ts";
import { withOneFault } from "../../support/with-one-fault.ts";

const by = { version: 3, author: "QmHostA" };
const web = serviceSpecOf("web");

function stateOf(value: string, service = "web") {
  const { word } = readServiceDocument({ ...serviceDocument(service, null, by), value });
  return word;
}

describe("a service's document", () => {
  it("is read back as it was written", () => {
    fc.assert(
      fc.property(serviceSpec, (spec) => {
        expect(readServiceDocument(serviceDocument(spec.name, spec, by))).toEqual({
          name: spec.name,
          ...by,
          word: { state: "declared", spec },
        });
      }),
    );
  });

  it("is a tombstone without a spec", () => {
    expect(readServiceDocument(serviceDocument("web", null, by)).word).toEqual({
      state: "deleted",
    });
  });

  it("is known by its name", () => {
    expect(serviceDocument("web", web, by).name).toBe("service/web");
    expect(isServiceDocument(serviceDocumentName("web"))).toBe(true);
    expect(isServiceDocument("mode")).toBe(false);
  });

  it("has another hash for another word or author, so that two at once are told apart", () => {
    const made = [
      serviceDocument("web", web, by),
      serviceDocument("web", null, by),
      serviceDocument("web", web, { ...by, author: "QmHostB" }),
    ];
    expect(new Set(made.map(({ hash }) => hash)).size).toBe(3);
    for (const { hash } of made) expect(hash).toMatch(/^[0-9a-f]{8}$/);
  });

  it.each([
    ["no JSON", "{", /^it is not JSON/],
    ["nothing", "null", /^: expected an object/],
    ["no spec", "{}", /^spec: expected an object/],
    ["a field that is wrong", '{"spec":{"name":"web"}}', /^spec\.template: expected an object/],
    ["another service", JSON.stringify({ spec: serviceSpecOf("db") }), /another service/],
    [
      "counts that do not fit together",
      JSON.stringify({ spec: { ...web, running: { min: 3, max: 2 } } }),
      /^spec\.running\.min: more than/,
    ],
  ])("cannot be read with %s, and says why", (_, value, words) => {
    const word = stateOf(value);
    expect(word.state).toBe("unreadable");
    expect(word.state === "unreadable" ? word.problem : "").toMatch(words);
  });

  it("cannot be read under a name that no service may have", () => {
    const value = JSON.stringify({ deleted: true });
    for (const name of ["", "Web", "../web", "a/b", "w".repeat(41)]) {
      expect(stateOf(value, name).state).toBe("unreadable");
    }
  });

  it("is never thrown over, whatever a peer puts in", () => {
    fc.assert(
      fc.property(
        serviceSpec,
        fc.nat(),
        fc.jsonValue(),
        fc.string(),
        (spec, place, fault, text) => {
          const value = JSON.stringify(withOneFault({ spec }, place, fault));
          for (const given of [value, text, value.slice(0, place % (value.length + 1))]) {
            const word = stateOf(given, spec.name);
            expect(["declared", "deleted", "unreadable"]).toContain(word.state);
            if (word.state === "declared") expect(word.spec.name).toBe(spec.name);
          }
        },
      ),
    );
  });
});
