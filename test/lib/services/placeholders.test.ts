// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import { describe, expect, it } from "vitest";
import { placeholdersIn, substitute, substitutionsAt } from "#lib/services/placeholders.ts";

const spec = {
  name: "web",
  hosts: { "*": { address: "10.0.0.9", port: "80" }, n1: { address: "10.0.0.1" } },
};

describe("placeholdersIn()", () => {
  it.each([
    ["plain $text {}", []],
    ["${a}-${b}${a}", ["a", "b", "a"]],
    ["${}", [""]],
    ["${a", [""]],
    ["${a}${", ["a", ""]],
  ])("of %j are %j", (text, keys) => {
    expect(placeholdersIn(text)).toEqual(keys);
  });
});

describe("substitute()", () => {
  it("takes the host's own word before the common one, and knows host and service", () => {
    const text = "${service}@${host}=${address}:${port}";
    expect(substitute(text, substitutionsAt(spec, "n1"))).toBe("web@n1=10.0.0.1:80");
    expect(substitute(text, substitutionsAt(spec, "n2"))).toBe("web@n2=10.0.0.9:80");
  });

  it("is null when nothing stands for a key, also for one that every object has", () => {
    const values = substitutionsAt(spec, "n1");
    expect(substitute("${rack}", values)).toBeNull();
    expect(substitute("${constructor}", values)).toBeNull();
    expect(substitute("${", values)).toBeNull();
    expect(substitutionsAt(spec, "constructor").size).toBe(4);
  });

  it("puts a value in as it is, whatever it looks like", () => {
    const values = substitutionsAt({ name: "web", hosts: { n1: { a: "$&${b}" } } }, "n1");
    expect(substitute("<${a}>", values)).toBe("<$&${b}>");
  });
});
