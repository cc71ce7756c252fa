import { describe, expect, it } from "vitest";
import { routes } from "#agent/api/routes.ts";
import { serviceFileOf } from "#agent/api/service-file.ts";
import type { VerbResult } from "#lib/model/verb.ts";
import { apiFixture } from "../../support/api-fixture.ts";
import { declaredView, serviceSpecOf } from "../../support/declared-service.ts";
import {
  HOST_A,
  HOST_B,
  HOST_C,
  MOVE_ID,
  snapshotFixture,
} from "../../support/snapshot-fixture.ts";
import { socketRequest } from "../../support/socket-request.ts";

const post = (value: unknown) => ({ body: JSON.stringify(value) });

describe("GET routes", () => {
  it("give members with states, shares and addresses", async () => {
    const { readSocketPath } = await apiFixture();
    const { status, json } = await socketRequest(readSocketPath, "/v1/members");
    expect(status).toBe(200);
    expect(json).toMatchObject({
      members: [
        { name: "host-a", state: "alive", host: HOST_A, self: true, ageMs: 0, cpuShare: 0.775 },
        { name: "host-b", vmCount: 2, memoryShare: 0.375, agentVersion: "0.1.0" },
        { name: "host-c", state: "suspect", draining: true },
      ],
    });
  });

  it("give null for the figures of a member without a summary", async () => {
    const { socketPath, view } = await apiFixture();
    const [first] = snapshotFixture().members;
    if (first === undefined) throw new Error("the fixture has members");
    view.current = snapshotFixture({ members: [{ ...first, summary: null, ageMs: null }] });
    const { json } = await socketRequest(socketPath, "/v1/members");
    expect(json).toMatchObject({
      members: [{ cpuShare: null, memoryShare: null, vmCount: null, addresses: [], ageMs: null }],
    });
  });

  it("give VMs with the display name of their host", async () => {
    const { socketPath } = await apiFixture();
    const { json } = await socketRequest(socketPath, "/v1/vms");
    expect(json).toMatchObject({
      vms: [
        { name: "web-1", host: "host-a", hostId: HOST_A, state: "running" },
        { name: "web-2", host: "host-b", state: "suspended", load: null },
        { name: "web-3", moveId: MOVE_ID, moveTarget: "host-b" },
      ],
    });
  });

  it("give one VM, or 404 that says where to look", async () => {
    const { socketPath } = await apiFixture();
    const found = await socketRequest(socketPath, "/v1/vms/web-1");
    expect(found.json).toMatchObject({ vm: { name: "web-1" }, spec: null });
    const missing = await socketRequest(socketPath, "/v1/vms/none");
    expect(missing.status).toBe(404);
    expect(missing.text).toContain('no VM \\"none\\"');
  });

  it("give services, deleted ones too, and one with the file that declares it", async () => {
    const { readSocketPath, view } = await apiFixture();
    const gone = declaredView("old", { state: "deleted", spec: null });
    view.current = snapshotFixture({ services: [gone, declaredView("web")] });
    const all = await socketRequest(readSocketPath, "/v1/services");
    expect(all.json).toMatchObject({
      services: [
        { name: "old", state: "deleted", spec: null },
        { name: "web", version: 3, author: "host-b", authorId: HOST_B, problem: null },
      ],
    });
    const one = await socketRequest(readSocketPath, "/v1/services/web");
    expect(one.json).toMatchObject({ service: { name: "web" }, file: { staged: "all" } });
    for (const name of ["old", "none"]) {
      expect((await socketRequest(readSocketPath, `/v1/services/${name}`)).status).toBe(404);
    }
  });

  it("give status with counts, moves, alarms and the last moves, newest first", async () => {
    const { socketPath } = await apiFixture();
    const { json } = await socketRequest(socketPath, "/v1/status");
    expect(json).toMatchObject({
      name: "host-a",
      mode: "hold",
      keyed: true,
      agentVersion: "0.1.0",
      memberCounts: { alive: 2, suspect: 1 },
      moves: [{ vm: "web-3", from: "host-a", to: "host-b", progress: { share: 0.625 } }],
      alarms: [{ code: "in-doubt" }],
      lastMoves: [
        { vm: "web-2", result: "aborted" },
        { vm: "web-1", from: "host-a" },
      ],
      spread: { cpuSd: 0.2375, memorySd: 0 },
    });
  });

  it("give plan with its reason and what was refused", async () => {
    const { socketPath } = await apiFixture();
    const { json } = await socketRequest(socketPath, "/v1/plan");
    expect(json).toMatchObject({
      mode: "hold",
      reason: "CPU is 0.78, the mean 0.51",
      moves: [{ vm: "web-1", from: "host-a", to: "host-b", toId: HOST_B, score: 0.077 }],
      considered: [{ to: "host-c", refusal: "host-c is draining" }],
    });
  });

  it("give one move, under way or ended", async () => {
    const { socketPath } = await apiFixture();
    const running = await socketRequest(socketPath, `/v1/moves/${MOVE_ID}`);
    expect(running.json).toMatchObject({ move: { phase: "transferring" }, outcome: null });
    const [ended] = snapshotFixture().history;
    const past = await socketRequest(socketPath, `/v1/moves/${ended?.moveId}`);
    expect(past.json).toMatchObject({ move: null, vm: null, outcome: { result: "moved" } });
  });

  it("ask the owner for an explanation and put names for ids", async () => {
    const { readSocketPath, view, lines } = await apiFixture();
    const { considered, history } = snapshotFixture();
    view.answer = () => ({
      status: 200,
      message: "",
      moveId: null,
      data: JSON.stringify({
        vm: "web-1",
        host: HOST_A,
        reason: "no better place",
        candidates: considered,
        history,
      }),
    });
    const { status, json } = await socketRequest(readSocketPath, "/v1/explain/web-1");
    expect(status).toBe(200);
    expect(view.asked).toEqual([{ verb: "explain", vm: "web-1" }]);
    expect(json).toMatchObject({
      host: "host-a",
      reason: "no better place",
      candidates: [{ to: "host-c", toId: HOST_C, refusal: "host-c is draining" }],
      history: [{ to: "host-b" }, { to: "host-b" }],
    });
    expect(lines).toEqual([]);
  });

  it.each(["not json", "null", '{"host":7}', '{"host":"x","candidates":[null],"history":[]}'])(
    "pass on an explanation that is none: %s",
    async (data) => {
      const { socketPath, view } = await apiFixture();
      view.answer = () => ({ status: 200, message: "", moveId: null, data });
      expect((await socketRequest(socketPath, "/v1/explain/web-1")).status).toBe(200);
    },
  );
});

describe("POST routes", () => {
  const table = [
    { path: "/v1/mode", body: { mode: "act" }, verb: { verb: "mode", mode: "act" } },
    { path: "/v1/hosts/host-b/drain", body: {}, verb: { verb: "drain", host: HOST_B } },
    { path: `/v1/hosts/${HOST_B}/undrain`, body: {}, verb: { verb: "undrain", host: HOST_B } },
    { path: "/v1/vms/web-1/start", body: {}, verb: { verb: "start", vm: "web-1" } },
    { path: "/v1/vms/web-1/stop", body: {}, verb: { verb: "stop", vm: "web-1", force: false } },
    {
      path: "/v1/vms/web-1/stop",
      body: { force: true },
      verb: { verb: "stop", vm: "web-1", force: true },
    },
    { path: "/v1/vms/web-1/suspend", body: {}, verb: { verb: "suspend", vm: "web-1" } },
    { path: "/v1/vms/web-1/resume", body: {}, verb: { verb: "resume", vm: "web-1" } },
    { path: "/v1/vms/web-1/cancel", body: {}, verb: { verb: "cancel", vm: "web-1" } },
    { path: "/v1/vms/web-1/undefine", body: {}, verb: { verb: "undefine", vm: "web-1" } },
    {
      path: "/v1/vms/web-1/migrate",
      body: { target: "12D3KooWB" },
      verb: { verb: "migrate", vm: "web-1", target: HOST_B },
    },
    {
      path: "/v1/vms/web-1/resolve",
      body: { decision: "run-here", fenced: "host-c" },
      verb: { verb: "resolve", vm: "web-1", decision: "run-here", fenced: HOST_C },
    },
    {
      path: "/v1/services",
      body: serviceFileOf(serviceSpecOf("web")),
      verb: { verb: "serviceApply", spec: serviceSpecOf("web") },
    },
    {
      path: "/v1/services/web/scale",
      body: { min: 2 },
      verb: { verb: "serviceScale", service: "web", min: 2, max: null },
    },
    {
      path: "/v1/services/web/delete",
      body: {},
      verb: { verb: "serviceDelete", service: "web" },
    },
  ];

  it.each(table)("hand $path on as $verb.verb and record it", async ({ path, body, verb }) => {
    const { socketPath, view, lines } = await apiFixture();
    const { status, json } = await socketRequest(socketPath, path, post(body));
    expect({ status, json }).toMatchObject({ status: 200, json: { message: "done" } });
    expect(view.asked).toEqual([verb]);
    expect(lines.map(({ message }) => message)).toEqual([
      expect.stringContaining(`operator asks: ${verb.verb}`),
      expect.stringContaining("200"),
    ]);
  });

  it("define a VM from YAML with the defaults filled in", async () => {
    const { socketPath, view } = await apiFixture();
    const body = "name: web-9\nmemory: 128MiB\nkernel: {path: /srv/vmlinux}\n";
    expect((await socketRequest(socketPath, "/v1/vms", { body })).status).toBe(200);
    expect(view.asked).toEqual([
      {
        verb: "define",
        spec: {
          name: "web-9",
          vcpus: 1,
          memoryBytes: 128 * 2 ** 20,
          machine: "microvm",
          kernel: { path: "/srv/vmlinux", initrd: null, cmdline: "" },
          disks: [],
          network: { kind: "none" },
          policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
        },
      },
    ]);
  });

  it("refuse a spec with nothing to boot from, unless guests are simulated", async () => {
    const { socketPath, view } = await apiFixture();
    const body = "name: web-9\nmemory: 128MiB\n";
    const refused = await socketRequest(socketPath, "/v1/vms", { body });
    expect(refused).toMatchObject({ status: 400 });
    expect(refused.text).toContain("kernel, disks");
    const [own] = view.current.members;
    if (!own?.summary) throw new Error("the fixture has a summary");
    const hypervisor = { ...own.summary.hypervisor, kind: "sim" as const };
    view.current = snapshotFixture({
      members: [{ ...own, summary: { ...own.summary, hypervisor } }],
    });
    expect((await socketRequest(socketPath, "/v1/vms", { body })).status).toBe(200);
  });

  it.each([
    { path: "/v1/hosts/nowhere/drain", status: 404, words: "host-a, host-b, host-c" },
    { path: "/v1/hosts/12D3KooW/drain", status: 400, words: "could be" },
    { path: "/v1/vms/web-1/migrate", body: { target: "x" }, status: 404, words: "no host" },
    { path: "/v1/vms/web-1/migrate", status: 400, words: "target" },
    {
      path: "/v1/vms/web-1/migrate",
      body: { target: "host-b", now: 1 },
      status: 400,
      words: "now",
    },
    { path: "/v1/vms/WEB/start", status: 400, words: "no VM name" },
    { path: "/v1/vms/web-1/start", body: [], status: 400, words: "body" },
    { path: "/v1/mode", body: { mode: "maybe" }, status: 400, words: "mode" },
    { path: "/v1/services", body: { name: "web" }, status: 400, words: "service: " },
    { path: "/v1/services/web/scale", status: 400, words: "give at least one of the two" },
    { path: "/v1/services/web/scale", body: { min: -1 }, status: 400, words: "min" },
    { path: "/v1/services/web/delete", body: { now: 1 }, status: 400, words: "now" },
    { path: "/v1/services/Web/delete", status: 400, words: "no name of a service" },
    { path: "/v1/services/web", status: 405, words: "GET only" },
    { path: "/v1/nothing", status: 404, words: "/v1/status" },
    { path: "/v1/members", status: 405, words: "GET only" },
    { path: "/v1/vms/%E0%A4%A/start", status: 400, words: "percent" },
  ])("refuse $path with $status", async ({ path, body = {}, status, words }) => {
    const { socketPath, view } = await apiFixture();
    const answer = await socketRequest(socketPath, path, post(body));
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(words);
    expect(view.asked).toEqual([]);
  });

  it("answer with the status that the core gives, and hide none of its words", async () => {
    const { socketPath, view } = await apiFixture();
    const busy: VerbResult = {
      status: 409,
      message: "web-1 has an unfinished move web-1.4.00",
      data: null,
      moveId: null,
    };
    view.answer = () => busy;
    const answer = await socketRequest(socketPath, "/v1/vms/web-1/suspend", post({}));
    expect(answer).toMatchObject({ status: 409, json: { error: { message: busy.message } } });
    view.answer = () => ({ ...busy, status: 202, message: "goes on", moveId: MOVE_ID });
    const accepted = await socketRequest(
      socketPath,
      "/v1/vms/web-1/migrate",
      post({ target: "host-b" }),
    );
    expect(accepted).toMatchObject({ status: 202, json: { moveId: MOVE_ID } });
    view.answer = () => Promise.reject(new Error("a bug"));
    const broken = await socketRequest(socketPath, "/v1/vms/web-1/suspend", post({}));
    expect(broken.status).toBe(500);
    expect(broken.text).not.toContain("a bug");
  });

  it("are all refused on the read socket", async () => {
    const { readSocketPath, view } = await apiFixture();
    const paths = Object.keys(routes)
      .filter((key) => key.startsWith("POST "))
      .map((key) => key.slice("POST ".length).replace("NAME", "web-1"));
    expect(paths.length).toBeGreaterThan(10);
    for (const path of paths) {
      const answer = await socketRequest(readSocketPath, path, post({}));
      expect({ path, status: answer.status }).toEqual({ path, status: 403 });
    }
    expect(view.asked).toEqual([]);
  });
});
