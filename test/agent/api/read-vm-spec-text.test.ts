import { describe, expect, it } from "vitest";
import { readVmSpecText } from "#agent/api/read-vm-spec-text.ts";

const least = "name: web-1\nmemory: 128MiB\n";

describe("readVmSpecText()", () => {
  it("writes a policy's defaults as nothing, as agents that know no more expect it", () => {
    const rules = "{managed: true, priority: 50, shutdown: suspend}";
    const { policy } = readVmSpecText(`${least}policy: ${rules}\n`);
    const none = { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null };
    expect(policy).toEqual({ ...none, shutdown: "suspend" });
    expect(policy).not.toHaveProperty("priority");
    const refused = () => readVmSpecText(`${least}policy: {shutdown: reboot}\n`);
    expect(refused).toThrow(/line 3: policy\.shutdown/);
  });

  it("takes everything that a spec can say", () => {
    const text = `
name: web-1
vcpus: 2
memory: 1GiB
machine: q35
kernel:
  path: /srv/vmlinux
  initrd: /srv/initrd
  cmdline: console=ttyS0
disks:
  - path: /srv/web-1.qcow2
    format: qcow2
network:
  kind: user
  forwards:
    - hostPort: 8080
      guestPort: 80
policy:
  pin: host-b
  ignore: true
  antiAffinityGroup: web
`;
    expect(readVmSpecText(text)).toEqual({
      name: "web-1",
      vcpus: 2,
      memoryBytes: 2 ** 30,
      machine: "q35",
      kernel: { path: "/srv/vmlinux", initrd: "/srv/initrd", cmdline: "console=ttyS0" },
      disks: [{ path: "/srv/web-1.qcow2", format: "qcow2" }],
      network: { kind: "user", forwards: [{ protocol: "tcp", hostPort: 8080, guestPort: 80 }] },
      policy: { pin: "host-b", ignore: true, antiAffinityGroup: "web", affinityGroup: null },
    });
  });

  it("takes its own output again, as JSON", () => {
    const spec = readVmSpecText(`${least}network: {kind: bridge, bridge: br0}`);
    expect(readVmSpecText(JSON.stringify(spec))).toEqual(spec);
  });

  it("takes a guest agent, and says no word of one that is not there", () => {
    expect(readVmSpecText(`${least}guestAgent: true`)).toMatchObject({ guestAgent: true });
    expect(readVmSpecText(`${least}guestAgent: false`)).toEqual(readVmSpecText(least));
    expect("guestAgent" in readVmSpecText(least)).toBe(false);
  });

  it("takes memory as a size or as bytes", () => {
    expect(readVmSpecText("{name: a, memory: 2 MiB}").memoryBytes).toBe(2 * 2 ** 20);
    expect(readVmSpecText("{name: a, memory: 2097152}").memoryBytes).toBe(2 * 2 ** 20);
    expect(readVmSpecText("{name: a, memoryBytes: 2097152}").memoryBytes).toBe(2 * 2 ** 20);
  });

  it("gives a bridged VM the same address every time, one that is its own", () => {
    const macOf = (name: string) => {
      const { network } = readVmSpecText(
        `{name: ${name}, memory: 1GiB, network: {kind: bridge, bridge: br0}}`,
      );
      return network.kind === "bridge" ? network.mac : "";
    };
    expect(macOf("a")).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/);
    expect(macOf("a")).toBe(macOf("a"));
    expect(macOf("a")).not.toBe(macOf("b"));
  });

  it.each([
    ["unknown key", `${least}cpus: 2\n`, /line 3: cpus: unknown key/],
    ["unknown key inside", `${least}policy:\n  pinned: x\n`, /line 4: policy\.pinned: unknown key/],
    ["bad name", "name: Web_1\nmemory: 1GiB\n", /line 1: name: must be 1 to 63/],
    ["missing name", "memory: 1GiB\n", /name: .*string/],
    [
      "VMs kept both together and apart",
      `${least}policy: {affinityGroup: web, antiAffinityGroup: web}\n`,
      /line 3: policy: affinityGroup and antiAffinityGroup are the same/,
    ],
    ["missing memory", "name: a\n", /memory: missing/],
    ["bad memory", "name: a\nmemory: lots\n", /line 2: memory: must be a size.*"lots"/],
    ["unit that is none", "name: a\nmemory: 128MB\n", /line 2: memory: must be a size.*"128MB"/],
    ["too little memory", "name: a\nmemory: 4KiB\n", /line 2: memory/],
    ["memory of a wrong type", "name: a\nmemory: []\n", /line 2: memory: must be a size/],
    ["memory twice", `${least}memoryBytes: 1048576\n`, /give one of the two/],
    ["relative path", `${least}kernel:\n  path: vmlinux\n`, /line 4: kernel\.path: .*absolute/],
    ["path that climbs", `${least}kernel: {path: /srv/../etc/x}\n`, /kernel\.path: .*absolute/],
    ["comma in a path", `${least}kernel: {path: "/srv/a,b"}\n`, /kernel\.path: .*commas/],
    [
      "newline in the cmdline",
      `${least}kernel: {path: /a, cmdline: "a\\nb"}\n`,
      /cmdline: .*control/,
    ],
    ["format", `${least}disks:\n  - path: /a\n    format: vmdk\n`, /line 5: disks\.0\.format/],
    [
      "port",
      `${least}network: {kind: user, forwards: [{hostPort: 0, guestPort: 1}]}`,
      /line 3: network\.forwards\.0\.hostPort/,
    ],
    ["network", `${least}network: lan\n`, /line 3: network/],
    ["network kind", `${least}network:\n  kind: lan\n`, /line 4: network\.kind/],
    [
      "multicast mac",
      `${least}network: {kind: bridge, bridge: br0, mac: "01:00:5e:00:00:01"}`,
      /line 3: network\.mac/,
    ],
    ["an agent that is neither", `${least}guestAgent: qemu\n`, /line 3: guestAgent: .*boolean/],
    ["broken YAML", "name: [a\n", /line \d: /],
    ["duplicate key", "name: a\nname: b\n", /line 2: .*unique/],
    ["a list", "- a\n", /VM spec/],
    ["nothing", "", /VM spec/],
    ["aliases", "a: &a [x]\nb: [*a, *a]\n", /aliases/],
    ["deep nesting", "[".repeat(30_000), /VM spec/],
  ])("refuses %s and says where", (_, text, words) => {
    expect(() => readVmSpecText(text)).toThrow(words);
  });

  it("tells several problems at once, but not all of a hundred", () => {
    const text = Array.from({ length: 100 }, (_, index) => `key${index}: 1`).join("\n");
    let message = "";
    try {
      readVmSpecText(text);
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/key0: unknown key; .* and \d+ more$/);
    expect(message.length).toBeLessThan(500);
  });
});
