import { describe, expect, it } from "vitest";
import type { MemberAnswer } from "#agent/cli/answers.ts";
import {
  processorFindings,
  skewFindings,
  storageFindings,
} from "#agent/cli/doctor/check-likeness.ts";
import type { HypervisorFacts } from "#lib/model/host.ts";

const facts = { kind: "libvirt", version: "10.0.2", accelerator: "kvm" } as const;

function member(name: string, clockSkewMs: number | null, more: Partial<HypervisorFacts> = {}) {
  const hypervisor = { ...facts, liveMigrationRefusal: null, architecture: "x86_64", ...more };
  return { name, clockSkewMs, hypervisor } as unknown as MemberAnswer;
}

const told = (findings: readonly { level: string; detail: string; remedy: string }[]) =>
  findings.map(({ level, detail, remedy }) => `${level}: ${detail}${remedy && `: ${remedy}`}`);

describe("skewFindings()", () => {
  it("warns of each clock that is a second off, with the direction", () => {
    expect(told(skewFindings([member("b", 3200), member("c", -1500), member("d", 20)]))).toEqual([
      "warn: the clock of b is 3.2 s ahead of this host's: timedatectl set-ntp true at b and here",
      "warn: the clock of c is 1.5 s behind this host's: timedatectl set-ntp true at c and here",
    ]);
  });

  it("says that all agree, of those that tell", () => {
    expect(told(skewFindings([member("b", 3), member("old", null)]))).toEqual([
      "ok: the clocks of 1 other agree with this one",
    ]);
    expect(skewFindings([member("old", null)])).toEqual([]);
  });
});

describe("processorFindings()", () => {
  const self = member("a", null, { processor: "AMD EPYC #111111" });

  it("names another processor, and the same with other features", () => {
    const others = [
      member("b", null, { processor: "Intel Xeon #222222" }),
      member("c", null, { processor: "AMD EPYC #333333" }),
      member("old", null),
    ];
    const [one, two] = told(processorFindings(self, others));
    expect(one).toMatch(/warn: b has another processor: Intel Xeon, here AMD EPYC: .*cpuModel/);
    expect(two).toMatch(/warn: c has the same AMD EPYC with other features/);
  });

  it("has nothing to say without KVM", () => {
    expect(told(processorFindings(self, [self]))).toEqual(["ok: AMD EPYC, the same everywhere"]);
    expect(processorFindings(member("a", null, { accelerator: "tcg" }), [self])).toEqual([]);
  });
});

describe("storageFindings()", () => {
  it("tells which others mount the same", () => {
    const self = member("a", null, { sharedStorage: ["nfs4 nas:/images"] });
    const lines = told(storageFindings(self, [self, member("b", null)]));
    expect(lines[0]).toBe("ok: nfs4 nas:/images is at a, too");
    expect(lines[1]).toMatch(/warn: b mounts none of nfs4 nas:\/images/);
    expect(told(storageFindings(member("a", null), [self]))[0]).toMatch(
      /VMs with a disk stay here/,
    );
    expect(storageFindings(member("a", null, { kind: "sim" }), [self])).toEqual([]);
  });
});
