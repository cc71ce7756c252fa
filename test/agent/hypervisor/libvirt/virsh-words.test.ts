import { describe, expect, it } from "vitest";
import { parseMachineTypes, parseVersion } from "#agent/hypervisor/libvirt/facts.ts";
import { libvirtSettings } from "#agent/hypervisor/libvirt/libvirt-options.ts";
import { daemonSocket, moveSocket, targetUri } from "#agent/hypervisor/libvirt/move-paths.ts";
import { parseJob } from "#agent/hypervisor/libvirt/parse-job.ts";
import { virshLine } from "#agent/hypervisor/libvirt/virsh-command.ts";
import { virshError } from "#agent/hypervisor/libvirt/virsh-error.ts";
import { parseEventLine } from "#agent/hypervisor/libvirt/virsh-events.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function settings(uri: string) {
  const log = { write: () => undefined };
  const folders = { stateDirectory: "/s", storageRoots: [], bridges: [] };
  return libvirtSettings({ ...folders, uri, clock: new ManualClock(), log });
}

describe("virshLine", () => {
  it("leaves plain words and quotes the others", () => {
    expect(virshLine(["define", "/tmp/a b.xml"])).toBe("define '/tmp/a b.xml'");
    expect(virshLine(["echo", "it's; destroy web"])).toBe("echo 'it'\\''s; destroy web'");
    expect(virshLine(["echo", ""])).toBe("echo ''");
  });

  it("refuses what could begin a second command", () => {
    expect(() => virshLine(["dominfo", "web\ndestroy web"])).toThrow(/control characters/);
  });
});

describe("virshError", () => {
  it("says what to do about a daemon that is down, and about one that may not be used", () => {
    const down =
      "error: failed to connect to the hypervisor\n" +
      "error: Failed to connect socket to '/run/libvirt/libvirt-sock': No such file or directory";
    expect(virshError("virsh version", down)).toMatchObject({
      code: "HYPERVISOR_MISSING",
      message: expect.stringMatching(/^virsh version: Failed to connect.*: libvirtd does not ans/),
    });
    const denied = "error: authentication unavailable: no polkit agent available";
    expect(virshError("virsh version", denied).message).toMatch(/group libvirt/);
  });

  it("tells an unknown domain from any other failure", () => {
    expect(virshError("virsh dominfo", "error: failed to get domain 'x'").code).toBe("VM_ABSENT");
    expect(virshError("virsh start", "error: boom").message).toBe("virsh start: boom");
  });
});

describe("parseEventLine", () => {
  it("reads a domain's event and nothing else", () => {
    const line =
      "2026-11-23 15:26:45.610+0000: event 'lifecycle' for domain 't1': Suspended Migrated";
    const event = { vm: "t1", event: "lifecycle", detail: "Suspended Migrated" };
    expect(parseEventLine(line)).toEqual(event);
    expect(parseEventLine("\tdata_total: 101195776")).toBeUndefined();
    expect(parseEventLine("events received: 1")).toBeUndefined();
  });
});

describe("parseJob", () => {
  it("reads an outgoing migration under way", () => {
    const job = parseJob(
      "Job type: 2\n\noperation: 5\ndata_total: 100\ndata_processed: 40\ndata_remaining: 60\n" +
        "memory_dirty_rate: 3\nmemory_page_size: 4096\nmemory_iteration: 2\n",
    );
    expect(job).toEqual({
      isActive: true,
      look: {
        transferredBytes: 40,
        remainingBytes: 60,
        totalBytes: 100,
        dirtyBytesPerSecond: 12_288,
        passes: 2,
        throttleShare: 0,
      },
    });
  });

  it("sees that one was cancelled, or that there is none", () => {
    expect(parseJob("Job type: 5\n\noperation: 5\n").isActive).toBe(false);
    expect(parseJob("Job type: 0\n").isActive).toBe(false);
    expect(parseJob("").isActive).toBe(false);
  });
});

describe("the daemon's facts", () => {
  it("takes the version of the hypervisor, not of libvirt", () => {
    const text = "Using library: libvirt 9.0.0\nRunning hypervisor: QEMU 10.0.2\n";
    expect(parseVersion(text)).toBe("10.0.2");
    expect(() => parseVersion("Using library: libvirt 9.0.0\n")).toThrow(/which hypervisor/);
  });

  it("reads what an alias stands for, of x86_64 alone", () => {
    const xml =
      "<arch name='i686'><machine>isapc</machine></arch><arch name='x86_64'>" +
      "<machine canonical='pc-q35-10.0' maxCpus='4096'>q35</machine>" +
      "<machine maxCpus='288'>pc-q35-9.0</machine></arch>";
    expect([...parseMachineTypes(xml)]).toEqual([
      ["q35", "pc-q35-10.0"],
      ["pc-q35-9.0", "pc-q35-9.0"],
    ]);
  });
});

describe("a move's paths", () => {
  it("are the same on both hosts and short, whatever the move", () => {
    for (const place of ["libvirt", "agent"] as const) {
      const path = moveSocket(`${"v".repeat(63)}.2.0123456789abcdef`, place);
      expect(path).toBe(moveSocket(`${"v".repeat(63)}.2.0123456789abcdef`, place));
      expect(path.length).toBeLessThan(60);
      const uri = targetUri(settings("xen:///system"), path);
      expect(uri).toBe(`xen+unix:///system?socket=${path}`);
    }
  });

  it("lead to the daemon that the URI names", () => {
    const uri = "qemu+unix:///system?socket=/tmp/a%20b.sock";
    expect(daemonSocket(settings(uri))).toBe("/tmp/a b.sock");
    expect(daemonSocket(settings("qemu:///system"))).toMatch(/^\/run\/libvirt\/.*-sock$/);
  });
});
