// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import { describe, expect, it } from "vitest";
import { Substitution } from "#lib/services/substitute.ts";
import { serviceSpec } from "../../support/service-fixture.ts";

const hosts = { "*": { a: "all", b: "${a}" }, "node-1": { a: "one" } };
const filled = (host: string, text: string) =>
  new Substitution(serviceSpec({ hosts }), host).fill("text", text);

describe("Substitution", () => {
  it("takes the host's own value before that of all, and knows host and service", () => {
    expect(filled("node-1", "${a}/${service}@${host}")).toEqual({
      ok: true,
      value: "one/web@node-1",
    });
    expect(filled("node-2", "${a}-${a}")).toEqual({ ok: true, value: "all-all" });
  });

  it("takes a value as it is, and leaves other dollars alone", () => {
    expect(filled("node-1", "${b} $a {a} ${a")).toEqual({ ok: true, value: "${a} $a {a} ${a" });
  });

  it("objects to what the host has no value for, naming key, host and remedy", () => {
    const result = filled("node-1", "${a} ${ip} ${x}");
    expect(result).toEqual({
      ok: false,
      objection:
        "service web: text wants ${ip}, which host node-1 has not: " +
        "give hosts.node-1.ip, or hosts.*.ip for all",
    });
  });

  it("finds no values where a document wrote none", () => {
    expect(filled("constructor", "${name}").ok).toBe(false);
    expect(filled("node-1", "${constructor}").ok).toBe(false);
    expect(filled("__proto__", "${toString}").ok).toBe(false);
  });
});
