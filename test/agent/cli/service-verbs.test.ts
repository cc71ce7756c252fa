import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readServiceText } from "#agent/api/read-service-text.ts";
import type { ServiceLife, ServiceView } from "#lib/core/snapshot.ts";
import { apiFixture } from "../../support/api-fixture.ts";
import { declaredView, serviceSpecOf } from "../../support/declared-service.ts";
import { readmeService } from "../../support/readme-service.ts";
import { runCli } from "../../support/run-cli.ts";
import { snapshotFixture } from "../../support/snapshot-fixture.ts";

const deleted: Partial<ServiceView> = { state: "deleted", spec: null };
const unreadable: Partial<ServiceView> = {
  state: "unreadable",
  spec: null,
  problem: "spec.template: expected an object",
};

async function fixtureWith(...services: readonly ServiceView[]) {
  const fixture = await apiFixture();
  fixture.view.current = snapshotFixture({ services, mode: "act" });
  const run = (...words: readonly string[]) => runCli(["--socket", fixture.socketPath, ...words]);
  return { ...fixture, run };
}

describe("evenkeel service apply", () => {
  it("sends the file, the README's for one, and names it with the line of a fault", async () => {
    const { run, view, directory } = await fixtureWith();
    const file = join(directory, "web.yaml");
    writeFileSync(file, readmeService());
    expect(await run("service", "apply", file)).toMatchObject({ code: 0, out: "done", err: "" });
    expect(view.asked).toEqual([{ verb: "serviceApply", spec: readServiceText(readmeService()) }]);
    writeFileSync(file, readmeService().replace("min: 1", "min: 9"));
    const { code, err } = await run("service", "apply", file);
    expect(code).toBe(1);
    expect(err).toMatch(
      /web\.yaml: service: line \d+: running\.min: more than running\.max \(3\)$/,
    );
    expect(view.asked).toHaveLength(1);
  });

  it("names a file that is not there", async () => {
    const { run, directory } = await fixtureWith();
    const { code, err } = await run("service", "apply", join(directory, "missing.yaml"));
    expect(code).toBe(1);
    expect(err).toMatch(/cannot read the service .*missing\.yaml: ENOENT/);
  });
});

describe("evenkeel service list", () => {
  it("shows what is declared, deleted ones only when asked", async () => {
    const { run } = await fixtureWith(
      declaredView("db", unreadable),
      declaredView("old", { ...deleted, version: 7 }),
      declaredView("web"),
    );
    const { code, out } = await run("service", "list");
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      expect.stringMatching(/^NAME +STATE +STAGED +RUNNING +MEMORY +BACKEND +VERSION +BY$/),
      expect.stringMatching(/^db +unreadable +- +- +- +- +3 +host-b$/),
      expect.stringMatching(/^web +declared +all +1-3 +256 MiB +web +3 +host-b$/),
    ]);
    expect((await run("service", "list", "--all")).out).toMatch(/^old +deleted .* 7 +host-b$/m);
    const json = JSON.parse((await run("service", "list", "--json")).out);
    expect(json.services.map(({ name }: ServiceView) => name)).toEqual(["db", "web"]);
    expect(json.services[1]).toMatchObject({ state: "declared", spec: serviceSpecOf("web") });
  });

  it("says how to declare one when there is none", async () => {
    const { run } = await fixtureWith(declaredView("old", deleted));
    const { code, out } = await run("service", "list");
    expect({ code, out }).toEqual({
      code: 0,
      out: "no services; declare one with: evenkeel service apply FILE",
    });
  });
});

describe("evenkeel service show", () => {
  it("prints who declared what, as a file that can be applied again", async () => {
    const { run } = await fixtureWith(declaredView("web"));
    const { code, out } = await run("service", "show", "web");
    expect(code).toBe(0);
    expect(out).toMatch(/^# web: declared at version 3 by host-b\nname: web\ntemplate:\n/);
    expect(readServiceText(out)).toEqual(serviceSpecOf("web"));
    const json = JSON.parse((await run("service", "show", "web", "--json")).out);
    expect(json).toMatchObject({
      service: { version: 3, author: "host-b" },
      file: { name: "web" },
    });
  });

  it("shows what becomes of it in comments, so that it can still be applied again", async () => {
    const facts = {
      outdated: false,
      healthy: true,
      obstacle: "",
      cpuShare: 0.31,
      sessions: 4,
      diskBytes: 2 ** 28,
    };
    const member = { host: "QmB", hostName: "n1", hostState: "live", state: "running", ...facts };
    const away = { host: "QmC", hostName: "n2", hostState: "suspect", state: "stale", ...facts };
    const members = [member, { ...away, cpuShare: null, sessions: null, obstacle: "no image" }];
    const switches = [{ host: "QmB", hostName: "n1", queued: 0, problem: "no socket" }];
    const life = {
      members,
      switches,
      steward: "n1",
      lastRefusal: "n2 is being drained",
    } as ServiceLife;
    const { run } = await fixtureWith(declaredView("web", { life }));
    const { out } = await run("service", "show", "web");
    expect(out.split("\n").slice(1, 7)).toEqual([
      "# 2 members, 1 running; steward: n1",
      "# last refusal: n2 is being drained",
      "# the switch of n1: no socket",
      expect.stringMatching(/^# HOST +STATE +CPU +SESSIONS +DISK/),
      expect.stringMatching(/^# n1 +running +31 % +4 +256 MiB$/),
      expect.stringMatching(/^# n2 +stale +- +- +256 MiB +the host is suspect; no image$/),
    ]);
    expect(readServiceText(out)).toEqual(serviceSpecOf("web"));
    const json = JSON.parse((await run("service", "show", "web", "--json")).out);
    expect(json.service).toMatchObject({
      steward: "n1",
      members: [{ host: "n1", hostId: "QmB", state: "running", cpuShare: 0.31, sessions: 4 }, {}],
    });
  });

  it("says that nothing becomes of it while the cluster is on hold", async () => {
    const { run, view } = await fixtureWith(declaredView("web"));
    const held = "# the cluster is on hold: nothing is staged or resumed until 'evenkeel act'";
    expect((await run("service", "show", "web")).out).not.toContain(held);
    view.current = { ...view.current, mode: "hold" };
    expect((await run("service", "show", "web")).out.split("\n")[1]).toBe(held);
  });

  it("says why one cannot be read", async () => {
    const { run } = await fixtureWith(declaredView("web", unreadable));
    const { code, out } = await run("service", "show", "web");
    expect({ code, out }).toEqual({
      code: 0,
      out: "# web: unreadable at version 3 by host-b\n# spec.template: expected an object",
    });
  });

  it.each([
    ["that is unknown", "ghost", 'no service "ghost"'],
    ["that was deleted", "old", 'no service "old": host-b deleted it (version 3)'],
  ])("fails for one %s", async (_, name, words) => {
    const { run } = await fixtureWith(declaredView("old", deleted));
    const { code, out, err } = await run("service", "show", name);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(words);
  });
});

describe("evenkeel service scale and delete", () => {
  it.each([
    {
      words: ["scale", "web", "--min", "2", "--max", "6"],
      verb: { verb: "serviceScale", service: "web", min: 2, max: 6 },
    },
    {
      words: ["scale", "web", "--max", "6"],
      verb: { verb: "serviceScale", service: "web", min: null, max: 6 },
    },
    { words: ["delete", "web"], verb: { verb: "serviceDelete", service: "web" } },
  ])("ask the agent: $words", async ({ words, verb }) => {
    const { run, view } = await fixtureWith();
    expect(await run("service", ...words)).toMatchObject({ code: 0, out: "done", err: "" });
    expect(view.asked).toEqual([verb]);
  });

  it.each([
    [["scale", "web"], 2, "say how many run: --min, --max, or both"],
    [["scale", "web", "--min", "few"], 2, '--min takes a number of members, not "few"'],
    [["scale", "web", "--max", "1025"], 1, "max: "],
    [["scale"], 2, "missing required argument 'name'"],
    [["delete", "../mode"], 1, '"../mode" is no name of a service'],
  ])("refuse %j", async (words, exit, said) => {
    const { run, view } = await fixtureWith();
    const { code, err } = await run("service", ...words);
    expect(code).toBe(exit);
    expect(err).toContain(said);
    expect(view.asked).toEqual([]);
  });

  it("explain themselves with an example", async () => {
    for (const verb of ["apply", "list", "show", "scale", "delete"]) {
      const { code, out } = await runCli(["service", verb, "--help"]);
      expect(code).toBe(0);
      expect(out).toContain(`evenkeel service ${verb}`);
      expect(out).toContain("Example:");
    }
  });
});
