import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ServiceSpec, serviceLimits } from "#lib/model/service.ts";
import type { Verb } from "#lib/model/verb.ts";
import { serviceDocument } from "#lib/services/service-document.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";
import { NodeDriver, settledDriver } from "../../support/node-driver.ts";
import { withOneFault } from "../../support/with-one-fault.ts";

const web = serviceSpecOf("web");

function apply(name: string, changes: Partial<ServiceSpec> = {}): Verb {
  return { verb: "serviceApply", spec: serviceSpecOf(name, changes) };
}

const deleteWeb: Verb = { verb: "serviceDelete", service: "web" };

function scale(min: number | null, max: number | null): Verb {
  return { verb: "serviceScale", service: "web", min, max };
}

function servicesOf(driver: NodeDriver) {
  return driver.node.snapshot(driver.nowMs).services;
}

describe("ServiceRegister", () => {
  it("declares for all: durable, then news, then the answer", () => {
    const driver = settledDriver();
    expect(driver.ask(apply("web"))).toMatchObject({
      status: 200,
      message: "web is declared (version 1)",
      data: '{"name":"web","version":1}',
    });
    const order = driver.last.map((effect) => effect.type);
    expect(order.filter((type) => type !== "notice")).toEqual(["persist", "broadcast", "reply"]);
    expect(driver.kept("doc/service/web")).toMatchObject({ version: 1, author: driver.self });
    expect(servicesOf(driver)).toEqual([
      {
        name: "web",
        version: 1,
        author: driver.self,
        authorName: "self",
        state: "declared",
        spec: web,
        problem: null,
        life: null,
      },
    ]);
  });

  it("works on hold and in act, and never without a key", () => {
    expect(settledDriver({ mode: "act" }).ask(apply("web"))?.status).toBe(200);
    for (const verb of [apply("web"), deleteWeb, scale(1, 2)]) {
      expect(settledDriver({ keyed: false }).ask(verb)).toMatchObject({ status: 403 });
    }
  });

  it("makes a new version of what is new, and none of the same again", () => {
    const driver = settledDriver();
    driver.ask(apply("web"));
    expect(driver.ask(apply("web"))).toMatchObject({
      status: 200,
      message: "web is declared so already (version 1)",
    });
    expect(driver.last.some(({ type }) => type === "broadcast")).toBe(false);
    expect(driver.ask(apply("web", { drainMs: 1_000 }))?.message).toBe(
      "web is changed (version 2)",
    );
    expect(servicesOf(driver)).toMatchObject([{ version: 2, spec: { drainMs: 1_000 } }]);
  });

  it("scales either bound or both", () => {
    const driver = settledDriver();
    driver.ask(apply("web"));
    const running = () => servicesOf(driver)[0]?.spec?.running;
    expect(driver.ask(scale(null, 5))?.message).toBe(
      "web is declared with 1 to 5 running (version 2)",
    );
    expect(running()).toEqual({ min: 1, max: 5 });
    driver.ask(scale(4, null));
    expect(running()).toEqual({ min: 4, max: 5 });
    driver.ask(scale(0, 2));
    expect(running()).toEqual({ min: 0, max: 2 });
    expect(driver.ask(scale(0, 2))?.message).toContain("already (version 4)");
  });

  it.each([
    ["least over most", scale(4, null), /^running\.min: more than running\.max \(3\)$/],
    ["more than are staged", scale(null, 9), /^stagedMax: 4 is less than running\.max \(9\)/],
    ["none at all", scale(0, 0), /^running\.max: expected a whole number from 1/],
  ])("does not scale to %s", (_, verb, words) => {
    const driver = settledDriver();
    driver.ask(apply("web", { stagedMax: 4 }));
    const answer = driver.ask(verb);
    expect(answer?.status).toBeGreaterThanOrEqual(400);
    expect(answer?.message).toMatch(words);
    expect(servicesOf(driver)).toMatchObject([{ version: 1 }]);
  });

  it("keeps a tombstone, and goes on from its version", () => {
    const driver = settledDriver();
    driver.ask(apply("web"));
    expect(driver.ask(deleteWeb)?.message).toBe("web is deleted (version 2)");
    expect(servicesOf(driver)).toMatchObject([{ version: 2, state: "deleted", spec: null }]);
    expect(driver.ask(deleteWeb)).toMatchObject({
      status: 404,
      message: "there is no service web: it was deleted (version 2)",
    });
    expect(driver.ask(scale(1, 2))?.status).toBe(404);
    expect(driver.ask(apply("web"))?.message).toBe("web is declared (version 3)");
  });

  it("knows no service that nobody declared", () => {
    for (const verb of [deleteWeb, scale(1, 2)]) {
      expect(settledDriver().ask(verb)).toMatchObject({ status: 404 });
    }
  });

  it("has the same after a restart", () => {
    const driver = settledDriver();
    driver.ask(apply("web"));
    driver.ask(apply("db"));
    driver.ask(deleteWeb);
    const before = servicesOf(driver);
    const next = new NodeDriver();
    next.start({ journal: driver.journal });
    expect(servicesOf(next)).toEqual(before);
    expect(next.ask(apply("web"))?.message).toBe("web is declared (version 3)");
  });

  it("takes the newer of two words, whichever came first", () => {
    const declared = serviceDocument("web", web, { version: 2, author: "QmThird" });
    const deleted = serviceDocument("web", null, { version: 3, author: "QmOther" });
    for (const documents of [
      [declared, deleted],
      [deleted, declared],
    ]) {
      const driver = settledDriver();
      for (const document of documents) driver.gossip("QmOther", { documents: [document] });
      expect(servicesOf(driver)).toMatchObject([
        { name: "web", version: 3, state: "deleted", authorName: "other" },
      ]);
    }
  });

  it("shows a peer's document that cannot be read, acts not upon it, and lets it be replaced", () => {
    const driver = settledDriver();
    const good = serviceDocument("web", web, { version: 4, author: "QmOther" });
    driver.gossip("QmOther", { documents: [{ ...good, value: '{"spec":{"name":"web"}}' }] });
    expect(servicesOf(driver)).toMatchObject(
      [{ name: "web", state: "unreadable", spec: null, problem: /^spec\.template/ }].map((one) => ({
        ...one,
        problem: expect.stringMatching(one.problem),
      })),
    );
    const answer = driver.ask(scale(1, 2));
    expect(answer).toMatchObject({ status: 409 });
    expect(answer?.message).toContain("cannot be read here: spec.template");
    expect(driver.ask(apply("web"))?.message).toBe("web is declared (version 5)");
  });

  it("outlives whatever a key holder's broken agent puts into documents", () => {
    const value = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .tuple(fc.nat(), fc.jsonValue())
        .map(([place, fault]) => JSON.stringify(withOneFault({ spec: web }, place, fault))),
    );
    const name = fc.oneof(fc.constantFrom("web", "db", "../mode", ""), fc.string());
    const document = fc
      .record({ name, version: fc.nat(), value })
      .map((given) => ({ ...given, name: `service/${given.name}`, hash: "ab", author: "QmOther" }));
    fc.assert(
      fc.property(fc.array(document, { maxLength: 10 }), (documents) => {
        const driver = settledDriver();
        driver.gossip("QmOther", { documents });
        for (const { state, spec } of servicesOf(driver)) {
          expect(state === "declared").toBe(spec !== null);
        }
        for (const verb of [scale(1, 2), deleteWeb, apply("web")]) {
          expect(driver.ask(verb)?.status).toBeGreaterThanOrEqual(200);
        }
        expect(driver.kept("doc/service/web")).toMatchObject({ author: driver.self });
      }),
      { numRuns: 50 },
    );
  });

  it("goes past no version that the others could not take", () => {
    const driver = settledDriver();
    const by = { version: Number.MAX_SAFE_INTEGER, author: "QmOther" };
    driver.gossip("QmOther", { documents: [serviceDocument("web", web, by)] });
    expect(driver.ask(deleteWeb)).toMatchObject({ status: 409 });
  });

  it("refuses what a peer would not read", () => {
    const driver = settledDriver();
    const spec = { ...web, running: { min: 2, max: 1 } };
    expect(driver.ask({ verb: "serviceApply", spec })).toMatchObject({
      status: 400,
      message: "running.min: more than running.max (1)",
    });
    expect(driver.ask({ verb: "serviceApply", spec: { ...web, name: "Web" } })).toMatchObject({
      status: 400,
    });
    expect(servicesOf(driver)).toEqual([]);
  });

  it("refuses a document that no message has room for, with its size and the way out", () => {
    const hosts = Object.fromEntries(
      Array.from({ length: 600 }, (_, i) => [
        `host-${i}`,
        { address: `10.2.${i >> 8}.${i & 255}` },
      ]),
    );
    const answer = settledDriver().ask(apply("web", { hosts }));
    expect(answer?.status).toBe(400);
    expect(answer?.message).toMatch(
      new RegExp(
        `^web makes a document of [0-9]{5} characters, ${wireLimits.documentValueLengthMax} at most: put`,
      ),
    );
  });

  it("refuses a place that another service has", () => {
    const driver = settledDriver();
    driver.ask(apply("web"));
    const answer = driver.ask({ verb: "serviceApply", spec: { ...web, name: "shop" } });
    expect(answer).toMatchObject({ status: 409 });
    expect(answer?.message).toMatch(/^endpoint: 10\.1\.\d+\.1 port 80 is that of web on n1$/);
    driver.ask(deleteWeb);
    expect(driver.ask({ verb: "serviceApply", spec: { ...web, name: "shop" } })?.status).toBe(200);
  });

  it("takes no more services than there is room for, deleted ones counted, and says what helps", () => {
    const driver = settledDriver();
    for (let index = 0; index < serviceLimits.servicesMax; index += 1) {
      const hosts = { n1: { address: `10.9.${index}.1` } };
      expect(driver.ask(apply(`web-${index}`, { hosts }))?.status).toBe(200);
    }
    expect(driver.ask(apply("more"))?.message).toMatch(
      /^there are 120 services, at most 120: delete/,
    );
    driver.ask({ verb: "serviceDelete", service: "web-7" });
    expect(driver.ask(apply("more"))?.message).toContain("take the name of a deleted one (web-7)");
    expect(driver.ask(apply("web-7", { hosts: { n1: { address: "10.8.0.1" } } }))?.status).toBe(
      200,
    );
    expect(serviceLimits.servicesMax).toBeLessThan(wireLimits.documentsMax);
  });
});
