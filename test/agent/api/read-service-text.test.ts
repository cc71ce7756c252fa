// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { readServiceText } from "#agent/api/read-service-text.ts";
import { serviceFileOf } from "#agent/api/service-file.ts";
import { serviceSpecOf } from "../../support/declared-service.ts";
import { readmeService } from "../../support/readme-service.ts";
import { serviceSpec } from "../../support/service-arbitraries.ts";

const sha = "ab".repeat(32);
/** Line by line, so that a fault's line is told by its number. */
const lines = [
  "name: web",
  "template:",
  "  memory: 256MiB",
  `  image: {path: /srv/web.qcow2, sha256: ${sha}, format: qcow2}`,
  "  network: {kind: bridge, bridge: br0}",
  'endpoint: {address: "${address}", port: 80}',
  "hosts:",
  "  n1: {address: 10.0.0.1}",
  "  n2: {address: 10.0.0.2}",
  "running: {min: 1, max: 2}",
  "target: {cpuShare: 0.6}",
];
const least = lines.join("\n");

/** The file with one line, numbered from 1, changed; a line past the end is added. */
function withLine(number: number, line: string): string {
  const changed = [...lines];
  changed[number - 1] = line;
  return changed.join("\n");
}

describe("readServiceText()", () => {
  it("fills in what the least file leaves out", () => {
    expect(readServiceText(least)).toEqual({
      name: "web",
      template: {
        vcpus: 1,
        memoryBytes: 256 * 2 ** 20,
        machine: "microvm",
        kernel: null,
        image: { path: "/srv/web.qcow2", sha256: sha, format: "qcow2" },
        network: { kind: "bridge", bridge: "br0" },
      },
      endpoint: { address: "${address}", port: "80" },
      hosts: { n1: { address: "10.0.0.1" }, n2: { address: "10.0.0.2" } },
      stagedMax: null,
      running: { min: 1, max: 2 },
      target: { kind: "cpuShare", share: 0.6 },
      health: { path: "/", timeoutMs: 1_000, resumeMsMax: 10_000, bootMsMax: 120_000 },
      drainMs: 30_000,
      settleMs: 30_000,
      backend: null,
      connectionsPerMember: null,
    });
  });

  it("takes the service that the README shows", () => {
    expect(readServiceText(readmeService())).toMatchObject({
      name: "web",
      template: { kernel: { kernel: { path: "/var/lib/evenkeel-images/vmlinux" }, initrd: null } },
      hosts: { "host-b": { address: "10.0.0.12" } },
      stagedMax: null,
      health: { path: "/health", bootMsMax: 120_000 },
      backend: "web",
    });
  });

  it("takes the friendly forms", () => {
    const text = [
      least.replace("cpuShare: 0.6", "sessionsPerMember: 20"),
      "staged: 2",
      "health: {path: /ok, timeout: 500ms, resumeWithin: 2 s, bootWithin: 10m}",
      "drain: 0s",
      "settle: 1h",
      "switch: {backend: shop, connectionsPerMember: 40}",
    ].join("\n");
    expect(readServiceText(text)).toMatchObject({
      target: { kind: "sessions", perMember: 20 },
      stagedMax: 2,
      health: { path: "/ok", timeoutMs: 500, resumeMsMax: 2_000, bootMsMax: 600_000 },
      drainMs: 0,
      settleMs: 3_600_000,
      backend: "shop",
      connectionsPerMember: 40,
    });
  });

  it("takes numbers for the texts that they are", () => {
    const text = [
      least
        .replace(
          "network: {kind: bridge, bridge: br0}",
          'network: {kind: user, guestPort: 80, hostPort: "${port}"}',
        )
        .replace("port: 80}\nhosts:", 'port: "${port}"}\nhosts:'),
    ]
      .join("\n")
      .replace("n1: {", "n1: {port: 8081, ")
      .replace("n2: {", 'n2: {port: "8082", ');
    expect(readServiceText(text)).toMatchObject({
      hosts: { n1: { port: "8081" }, n2: { port: "8082" } },
      template: { network: { hostPort: "${port}" } },
    });
  });

  it("takes its own file again, to the last field", () => {
    const roundTrip = (spec: ReturnType<typeof serviceSpecOf>) =>
      readServiceText(stringify(serviceFileOf(spec), { lineWidth: 0 }));
    expect(roundTrip(serviceSpecOf("web"))).toEqual(serviceSpecOf("web"));
    fc.assert(
      fc.property(serviceSpec, (spec) => {
        expect(roundTrip(spec)).toEqual(spec);
      }),
    );
  });

  it.each([
    ["unknown key", withLine(12, "replicas: 3"), /line 12: replicas: unknown key/],
    ["unknown key inside", withLine(3, "  memry: 1MiB"), /line 3: template\.memry: unknown key/],
    ["bad name", withLine(1, "name: Web_1"), /line 1: name: must be 1 to 40/],
    ["missing field", withLine(11, ""), /target: must be \{cpuShare/],
    [
      "bad memory",
      withLine(3, "  memory: lots"),
      /line 3: template\.memory: must be a size.*"lots"/,
    ],
    ["bad digest", least.replace(sha, "abc"), /line 4: template\.image\.sha256: must be 64 hex/],
    [
      "relative path",
      least.replace("/srv/web", "web"),
      /line 4: template\.image\.path: .*absolute/,
    ],
    ["bad span", withLine(12, "drain: 30"), /line 12: drain: must be a time span/],
    ["bad span", withLine(12, "drain: 30 days"), /line 12: drain: must be a time span.*"30 days"/],
    ["span over all bounds", withLine(12, "drain: 2h"), /line 12: drain: must be at most 1h/],
    ["bad staged", withLine(12, "staged: some"), /line 12: staged: must be all, or a number/],
    ["two targets", withLine(11, "target: {cpuShare: 1, sessionsPerMember: 2}"), /line 11: target/],
    ["share over one", withLine(11, "target: {cpuShare: 60}"), /line 11: target\.cpuShare/],
    [
      "bad backend",
      withLine(12, "switch: {backend: a b}"),
      /line 12: switch\.backend: must be the/,
    ],
    [
      "no connections at all",
      withLine(12, "switch: {backend: a, connectionsPerMember: 0}"),
      /line 12: switch\.connectionsPerMember: .*1/,
    ],
    [
      "a name of a host behind a switch",
      withLine(12, "switch: {backend: web}").replace("10.0.0.2", "web.example"),
      /line \d+: endpoint\.address: "web\.example" is no IP address, and the switch needs one/,
    ],
    [
      "bad health path",
      withLine(12, "health: {path: ok}"),
      /line 12: health\.path: must be the path/,
    ],
    [
      "a substitution with a line break",
      withLine(8, '  n1: {address: "a\\nb"}'),
      /line 8: hosts\.n1\.address/,
    ],
    [
      "a substitution that is built in",
      withLine(8, "  n1: {host: a, address: b}"),
      /line 8: hosts\.n1\.host: .*built in/,
    ],
    [
      "least over most",
      withLine(10, "running: {min: 3, max: 2}"),
      /line 10: running\.min: more than/,
    ],
    ["fewer staged than may run", withLine(12, "staged: 1"), /line 12: staged: 1 is less than/],
    ["nothing to boot from", withLine(4, ""), /line 2: template: kernel, image: one of them/],
    [
      "an unknown placeholder",
      withLine(6, "endpoint: {address: '${ip}', port: 80}"),
      /line 6: endpoint\.address: nothing stands for \$\{ip\}: add it to hosts\.n1/,
    ],
    [
      "an unknown placeholder of the kernel",
      withLine(4, `  kernel: {path: "/srv/\${rack}", sha256: ${sha}}`),
      /line 4: template\.kernel\.path: nothing stands for \$\{rack\}/,
    ],
    [
      "two hosts at one place",
      withLine(9, "  n2: {address: 10.0.0.1}"),
      /line 6: endpoint\.address: 10\.0\.0\.1 port 80 on both n1 and n2/,
    ],
    [
      "a placeholder without quotes",
      withLine(6, "endpoint: {address: ${address}, port: 80}"),
      /line 6: .*: between braces, put "\$\{key\}" in quotes$/,
    ],
    ["a star without quotes", withLine(8, "  *: {address: a}"), /line 8: .*: put "\*" in quotes$/],
    ["a missing section", withLine(10, ""), /running: missing: expected object/],
    [
      "a missing field",
      withLine(10, "running: {max: 1}"),
      /line 10: running\.min: missing: expected number/,
    ],
    ["broken YAML", "name: [a\n", /line \d: /],
    ["a list", "- a\n", /service: /],
    ["nothing", "", /service: /],
    ["aliases", "a: &a [x]\nb: [*a, *a]\n", /service: YAML aliases/],
  ])("refuses %s and says where", (_, text, words) => {
    expect(() => readServiceText(text)).toThrow(words);
  });

  it("never throws anything but a refusal, whatever is written", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.constant(least)), fc.nat(), (text, cut) => {
        try {
          readServiceText(text.slice(0, cut));
        } catch (error) {
          expect(error).toMatchObject({ code: "BAD_REQUEST" });
        }
      }),
    );
  });
});
