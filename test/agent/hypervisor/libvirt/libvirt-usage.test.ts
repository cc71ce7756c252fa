import { describe, expect, it } from "vitest";
import { usageOf } from "#agent/hypervisor/libvirt/libvirt-usage.ts";
import { parseDomstats } from "#agent/hypervisor/libvirt/parse-domstats.ts";

/** As libvirt 9.0.0 printed it, shortened; two vCPUs and two cards added. */
const running = `Domain: 't1'
  state.state=1
  cpu.time=1920000000
  balloon.current=98304
  balloon.maximum=98304
  balloon.rss=213160
  vcpu.current=2
  vcpu.0.time=1560000000
  vcpu.0.delay=1592120674
  vcpu.1.delay=1000
  net.count=2
  net.0.rx.bytes=10
  net.0.tx.bytes=20
  net.1.rx.bytes=3
  dirtyrate.calc_status=0

`;

function usages(text: string) {
  return parseDomstats(text).map(usageOf);
}

describe("usageOf", () => {
  it("reads CPU, delay, memory and network, and does not make up a dirty rate", () => {
    expect(usages(running)).toEqual([
      {
        vm: "t1",
        cpuTimeNs: 1_920_000_000,
        runDelayNs: 1_592_121_674,
        residentBytes: 98_304 * 1024,
        dirtyBytesPerSecond: null,
        networkBytes: 33,
      },
    ]);
  });

  it("takes a dirty rate that libvirt has measured", () => {
    const measured = running.replace(
      "dirtyrate.calc_status=0",
      "dirtyrate.calc_status=2\n  dirtyrate.megabytes_per_second=3",
    );
    expect(usages(measured)[0]?.dirtyBytesPerSecond).toBe(3 * 2 ** 20);
  });

  it("counts no network where there is none, and leaves out what has no figures", () => {
    const lines = running.split("\n").filter((line) => !line.includes("net."));
    expect(usages(lines.join("\n"))[0]?.networkBytes).toBeNull();
    expect(usages("Domain: 'off'\n  state.state=5\n")).toEqual([undefined]);
    expect(usages("Domain: 'No VM name'\n  cpu.time=1\n  balloon.rss=1\n")).toEqual([undefined]);
    expect(usages("error: nonsense")).toEqual([]);
  });
});
