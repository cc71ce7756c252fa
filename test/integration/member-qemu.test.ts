import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, utimesSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { GUEST_ANSWER, MemberRig } from "../support/member-rig.ts";
import { strikeSuspend } from "../support/suspend-strike.ts";

let rig: MemberRig;

beforeAll(async () => {
  rig = await MemberRig.make();
});
afterAll(async () => {
  await rig.close();
});
afterEach(async () => {
  await rig.must({ op: "discardMember", spec: rig.spec });
});

/** What is left of a member here: copies, images, overlays. */
async function rest(): Promise<unknown> {
  return {
    copies: await rig.qemu.source.list(),
    overlays: readdirSync(`${rig.qemu.folder}/members`),
  };
}
const nothing = { copies: [], overlays: [] };

describe("a member of a service, with real parts", () => {
  it("is staged, suspended, resumed and answers through HAProxy", async () => {
    const staged = await rig.stage();
    expect(staged).toMatchObject({ ok: true, value: { diskBytes: expect.any(Number) } });
    const info = execFileSync("qemu-img", ["info", "-U", "--output=json", rig.overlayPath]);
    expect(JSON.parse(String(info))).toMatchObject({
      "backing-filename": rig.making.base?.path,
      "backing-filename-format": "raw",
    });
    await rig.addToSwitch();
    await rig.suspend();
    expect(await rig.state()).toBe("suspended");
    // HAProxy queues what comes meanwhile, or refuses it: the member is in maint, nobody asks it.
    expect(await rig.askThroughSwitch()).toBe("status 503");
    await rig.resume();
    expect(await rig.check()).toMatchObject({ tookMs: expect.any(Number) });
    await rig.setAtSwitch("ready");
    expect(await rig.askThroughSwitch()).toBe(GUEST_ANSWER);
    expect(await rig.qemu.countFault(rig.spec.name)).toBeNull();
  });

  it("is given up as soon as its guest ends while it is staged", async () => {
    const staging = rig.stage();
    await eventually("the guest runs", async () => (await rig.state()) === "running");
    await rig.qemu.killCopy("source", rig.spec.name);
    // On a busy machine it dies before the driver has done with its start, which says so itself.
    const code = expect.stringMatching(/^(GUEST_ENDED|VM_PROCESS)$/);
    expect(await staging).toMatchObject({ ok: false, code });
    expect(await rest()).toEqual(nothing);
  });

  it("is staged anew over whatever was there of it", async () => {
    await rig.stage();
    await rig.suspend();
    expect(await rig.stage()).toMatchObject({ ok: true });
    expect(await rig.state()).toBe("running");
    await rig.check();
  });

  it("is never resumed twice from one image", async () => {
    await rig.stage();
    await rig.suspend();
    await rig.resume();
    await rig.qemu.killCopy("source", rig.spec.name);
    expect(await rig.state()).toBe("stale");
    expect(await rig.perform({ op: "resume", spec: rig.spec })).toMatchObject({
      ok: false,
      code: "IMAGE_STALE",
      message: expect.stringContaining("resumed before"),
    });
  });

  it("is never resumed once its base image was touched", async () => {
    await rig.stage();
    await rig.suspend();
    const base = rig.making.base?.path ?? "";
    utimesSync(base, new Date(), new Date());
    expect(await rig.state()).toBe("stale");
    expect(await rig.perform({ op: "resume", spec: rig.spec })).toMatchObject({
      ok: false,
      code: "IMAGE_STALE",
      message: expect.stringContaining(`${base}, on which it stands, was changed since`),
    });
    // It has the same bytes as ever, so a member can be staged on it.
    expect(await rig.stage()).toMatchObject({ ok: true });
  });

  it("is discarded wholly, also when there is nothing of it", async () => {
    await rig.stage();
    await rig.suspend();
    for (let time = 0; time < 2; time += 1) {
      await rig.must({ op: "discardMember", spec: rig.spec });
      expect(await rest()).toEqual(nothing);
    }
  });
});

describe("a member that is being suspended when everything is killed", () => {
  // A suspend takes some 30 ms: at its beginning, in its midst, about its end, and after it.
  it.each([0, 10, 30, 200])("%d ms after: a good image, or a stale one", async (ms) => {
    await rig.stage();
    await rig.suspend();
    await rig.resume();
    await strikeSuspend(rig, ms);
    const gone = async () => (await rig.state()) !== "running";
    await eventually("the member's process is gone", gone);
    const state = await rig.state();
    const resumed = await rig.perform({ op: "resume", spec: rig.spec });
    if (state === "suspended") {
      expect(resumed).toMatchObject({ ok: true });
      await rig.check();
      expect(await rig.qemu.countFault(rig.spec.name)).toBeNull();
    } else {
      expect(state).toBe("stale");
      expect(resumed).toMatchObject({ ok: false, code: "IMAGE_STALE" });
    }
  });
});

describe("a member that cannot be staged says why and leaves nothing", () => {
  it("when a file is missing", async () => {
    const missing = { path: `${rig.qemu.folder}/absent.img`, sha256: "0".repeat(64) };
    const result = await rig.stage({ files: [missing] });
    expect(result).toMatchObject({ ok: false, code: "MEMBER_FILE" });
    expect(result).toMatchObject({ message: expect.stringMatching(/absent\.img.*ENOENT/) });
    expect(await rest()).toEqual(nothing);
  });

  it("when a file is another one than the service names", async () => {
    const wrong = rig.making.files.map((file) =>
      file.path.endsWith("initramfs") ? { ...file, sha256: "5".repeat(64) } : file,
    );
    expect(await rig.stage({ files: wrong })).toMatchObject({
      ok: false,
      code: "MEMBER_FILE",
      message: expect.stringMatching(/initramfs.*begins with [0-9a-f]{12}.*555555555555/),
    });
    expect(await rest()).toEqual(nothing);
  });

  it("when its files lie outside the storage roots", async () => {
    const result = await rig.stage({ files: [{ path: "/etc/hostname", sha256: "0".repeat(64) }] });
    expect(result).toMatchObject({ message: expect.stringContaining("storage roots") });
  });

  it("when its health check never passes", async () => {
    const probe = { ...rig.making.probe, path: "/absent", msMax: 12_000 };
    const result = await rig.stage({ probe });
    expect(result).toMatchObject({
      ok: false,
      code: "MEMBER_UNHEALTHY",
      message: expect.stringMatching(/\/absent: not well after .*its last answer: status 404/),
    });
    expect(await rest()).toEqual(nothing);
    expect(existsSync(rig.overlayPath)).toBe(false);
  });
});
