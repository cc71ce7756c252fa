import { expect, test } from "vitest";
import { DomainCache } from "#agent/hypervisor/libvirt/domain-cache.ts";

const changed = (vm: string) => ({ vm, event: "metadata-change", detail: "" });

/** A cache, and an answer that comes when it is told to. */
function asking(vm: string) {
  const cache = new DomainCache<string>();
  const answer = Promise.withResolvers<string>();
  return { cache, answer, asked: cache.ask(vm, () => answer.promise) };
}

test("DomainCache keeps an answer until something happens to the domain", async () => {
  const cache = new DomainCache<string>();
  expect(await cache.ask("web", async () => "first")).toBe("first");
  await cache.ask("db", async () => "other");
  expect(cache.get("web")).toBe("first");
  cache.happened(changed("web"));
  expect(cache.get("web")).toBeUndefined();
  expect(cache.get("db")).toBe("other");
  cache.happened("missed");
  expect(cache.get("db")).toBeUndefined();
});

test.each([
  ["something happened to the domain", (one: DomainCache<string>) => one.happened(changed("web"))],
  ["events were missed", (one: DomainCache<string>) => one.happened("missed")],
  ["the domain is gone", (one: DomainCache<string>) => one.keep(new Set(["db"]))],
])("DomainCache does not keep what was asked before %s", async (_, happen) => {
  const { cache, answer, asked } = asking("web");
  happen(cache);
  answer.resolve("old");
  expect(await asked).toBe("old");
  expect(cache.get("web")).toBeUndefined();
});

test("DomainCache keeps an answer when something happened to another domain meanwhile", async () => {
  const { cache, answer, asked } = asking("web");
  cache.happened(changed("db"));
  answer.resolve("new");
  await asked;
  expect(cache.get("web")).toBe("new");
});

test("DomainCache keeps the answer to the later of two questions", async () => {
  const { cache, answer, asked } = asking("web");
  expect(await cache.ask("web", async () => "later")).toBe("later");
  answer.resolve("earlier");
  await asked;
  expect(cache.get("web")).toBe("later");
});

test("DomainCache rejects as the question does, and keeps what it knew", async () => {
  const cache = new DomainCache<string>();
  await cache.ask("web", async () => "known");
  const failing = cache.ask("web", () => Promise.reject(new Error("libvirt is down")));
  await expect(failing).rejects.toThrow("libvirt is down");
  expect(cache.get("web")).toBe("known");
});
