// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ServiceSpec } from "#lib/model/service.ts";
import { endpointsOf, serviceProblems } from "#lib/services/service-problems.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";
import { serviceSpec } from "../../support/service-arbitraries.ts";

const { template } = serviceSpecOf("web");
const bare = { ...template, kernel: null };
const image = { path: "/srv/${disk}.qcow2", sha256: "ab".repeat(32), format: "qcow2" } as const;

function problemsWith(changes: Partial<ServiceSpec>) {
  return serviceProblems(serviceSpecOf("web", changes)).map(
    ({ path, problem }) => `${path.join(".")}: ${problem}`,
  );
}

describe("serviceProblems()", () => {
  it("finds none in services that are whole", () => {
    expect(problemsWith({})).toEqual([]);
    fc.assert(
      fc.property(serviceSpec, (spec) => {
        expect(serviceProblems(spec)).toEqual([]);
      }),
    );
  });

  it.each<[string, Partial<ServiceSpec>, RegExp]>([
    ["least over most", { running: { min: 4, max: 3 } }, /^running\.min: more than .*\(3\)$/],
    ["fewer staged than may run", { stagedMax: 2 }, /^stagedMax: 2 is less than .*\(3\)/],
    ["nothing to boot from", { template: bare }, /^template: kernel, image: one of them/],
    [
      "a key that no host has",
      { template: { ...bare, image } },
      /^template\.image\.path: nothing stands for \$\{disk\}: add it to hosts\.n1/,
    ],
    [
      "a key that one host lacks",
      { hosts: { n1: { address: "10.0.0.1" }, n2: { rack: "7" } } },
      /nothing stands for \$\{address\}: add it to hosts\.n2/,
    ],
    [
      "a key without hosts",
      { hosts: {} },
      /nothing stands for \$\{address\}: add it to hosts\."\*"/,
    ],
    ["an open brace", { endpoint: { address: "${address", port: "80" } }, /is not closed/],
    [
      "two hosts at one place",
      { hosts: { n1: { address: "10.0.0.1" }, n2: { address: "10.0.0.1" } } },
      /^endpoint\.address: 10\.0\.0\.1 port 80 on both n1 and n2$/,
    ],
    [
      "all hosts at one place",
      {
        endpoint: { address: "10.0.0.1", port: "80" },
        hosts: {},
        template: { ...bare, image: { ...image, path: "/a" } },
      },
      /^endpoint\.address: 10\.0\.0\.1 port 80 on every host/,
    ],
    [
      "what is no address",
      { hosts: { n1: { address: "a;b" }, n2: { address: "10.0.0.2" } } },
      /^endpoint\.address: "a;b" is no address/,
    ],
    ["what is no port", { endpoint: { address: "${address}", port: "0" } }, /"0" is no port/],
  ])("finds %s", (_, changes, words) => {
    expect(problemsWith(changes).join("\n")).toMatch(new RegExp(words.source, "m"));
  });

  it("lets one member alone have a place that does not depend on the host", () => {
    const one = { stagedMax: 1, running: { min: 1, max: 1 } };
    const spec = { ...one, endpoint: { address: "10.0.0.1", port: "80" }, hosts: {} };
    const whole = { ...spec, template: { ...bare, image: { ...image, path: "/a" } } };
    expect(problemsWith(whole)).toEqual([]);
  });

  it("takes ${host} as what tells hosts apart", () => {
    const endpoint = { address: "${host}.example.org", port: "80" };
    const hosts = { "*": { address: "dhcp" } };
    expect(problemsWith({ endpoint, hosts })).toEqual([]);
  });
});

describe("endpointsOf()", () => {
  it("fills in what each named host substitutes", () => {
    const hosts = { "*": { port: "80" }, n1: { address: "10.0.0.1" }, n2: {} };
    const spec = serviceSpecOf("web", { hosts });
    expect(endpointsOf(spec)).toEqual([{ host: "n1", address: "10.0.0.1", port: "80" }]);
  });
});
