/**
 * Services as the admin of three real agents meets them: declared on one host, the same on the
 * others, still there when all were killed, and gone everywhere once one host withdrew them.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { aliveNames } from "../support/agent-fleet.ts";
import type { AgentHost } from "../support/agent-host.ts";
import { eventually } from "../support/eventually.ts";
import { fleetInTest } from "../support/fleet-in-test.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";
import { readmeService } from "../support/readme-service.ts";
import { runCli } from "../support/run-cli.ts";

/** The figure for healing is 10 s; a busy machine gets five times that. */
const AGREE_MS_MAX = 50_000;

interface Listed {
  readonly name: string;
  readonly state: string;
  readonly version: number;
  readonly author: string;
  readonly spec: { readonly running: { readonly min: number; readonly max: number } } | null;
}

const service = (host: AgentHost, ...words: readonly string[]) =>
  runCli(["--socket", host.socketPath, "service", ...words]);

async function listAt(host: AgentHost): Promise<readonly Listed[]> {
  const { code, out, err } = await service(host, "list", "--all", "--json");
  if (code !== 0) throw new Error(err);
  return JSON.parse(out).services;
}

it("a service declared on one host is on all, over kill -9 of all, until it is deleted", async () => {
  const settings = { hypervisor: { driver: "sim" } };
  const fleet = fleetInTest({ count: 3, network: "loopback", settings });
  const [first, second, third] = [fleet.host(1), fleet.host(2), fleet.host(3)];
  await fleet.startAll();
  await fleet.joined();
  const file = join(fleet.folder, "web.yaml");
  writeFileSync(file, readmeService());

  const allSay = async (what: string, expected: Partial<Listed>) => {
    const ms = await eventually(what, async () => {
      const lists = await Promise.all(fleet.hosts.map(listAt));
      for (const list of lists) {
        expect(list).toMatchObject([expected]);
        expect(list).toEqual(lists[0]);
      }
      return true;
    });
    console.log(`${what}, after ${Math.round(ms)} ms`);
  };

  const applied = await service(first, "apply", file);
  expect(applied).toEqual({
    code: 0,
    out: "web is declared (version 1)",
    err: "",
    rewritten: [],
  });
  const declared = { name: "web", state: "declared", version: 1, author: "n1" };
  await allSay("all list what the first declared", declared);
  expect((await service(third, "apply", file)).out).toContain("declared so already (version 1)");

  expect((await service(second, "scale", "web", "--min", "2")).code).toBe(0);
  const scaled = { version: 2, author: "n2", spec: { running: { min: 2, max: 3 } } };
  await allSay("all list what the second changed", scaled as Partial<Listed>);

  await Promise.all(fleet.hosts.map((host) => host.kill()));
  await first.start();
  // From its own journal; the name of the author it has yet to hear.
  expect(await listAt(first)).toMatchObject([{ version: 2, spec: scaled.spec }]);
  await fleet.startAll();
  await fleet.joined();
  await allSay("all list it after they were killed", { ...declared, ...scaled } as Partial<Listed>);
  const shown = await service(third, "show", "web");
  writeFileSync(file, shown.out);
  expect((await service(third, "apply", file)).out).toContain("declared so already (version 2)");

  expect((await service(third, "delete", "web")).out).toBe("web is deleted (version 3)");
  await allSay("all know that it was deleted", { state: "deleted", version: 3, spec: null });
  const gone = await service(first, "show", "web");
  expect(gone).toMatchObject({ code: 1, out: "" });
  expect(gone.err).toContain('no service "web": n3 deleted it (version 3)');
});

it("a document too large for news reaches all by the exchange of what is lacking", async () => {
  const settings = { hypervisor: { driver: "sim" } };
  const fleet = fleetInTest({ count: 2, network: "loopback", settings });
  await fleet.startAll();
  await fleet.joined();
  const file = join(fleet.folder, "web.yaml");
  const many = Array.from(
    { length: 400 },
    (_, i) => `  h-${i}: {address: 10.1.${i >> 8}.${i & 255}}`,
  );
  writeFileSync(
    file,
    readmeService().replace("hosts:", ["hosts:", ...many].join("\n").concat(" ")),
  );
  expect(await service(fleet.host(1), "apply", file)).toMatchObject({ code: 0, err: "" });
  await eventually("the other lists it", async () => (await listAt(fleet.host(2))).length === 1);
  expect(await listAt(fleet.host(2))).toEqual(await listAt(fleet.host(1)));
});

it.skipIf(!canMakeNamespaces())(
  "services declared on both sides of a cut are the same everywhere after it",
  async () => {
    const settings = { hypervisor: { driver: "sim" } };
    const fleet = fleetInTest({ count: 3, network: "namespaces", settings });
    const [alone, second, third] = [fleet.host(1), fleet.host(2), fleet.host(3)];
    await fleet.startAll();
    await fleet.joined();
    const file = join(fleet.folder, "web.yaml");
    writeFileSync(file, readmeService());
    expect((await service(alone, "apply", file)).code).toBe(0);
    const versionsAt = async (host: AgentHost) =>
      (await listAt(host)).map(({ name, version, author }) => `${name} ${version} ${author}`);
    const allSay = (what: string, lines: readonly string[]) =>
      eventually(
        what,
        async () => {
          const lists = await Promise.all(fleet.hosts.map(versionsAt));
          return lists.every((list) => list.join() === lines.join());
        },
        { limitMs: AGREE_MS_MAX },
      );
    await allSay("all list it", ["web 1 n1"]);

    fleet.cut(1);
    await eventually("each side marks the other dead", async () => {
      const [ofAlone, ofSecond] = [await aliveNames(alone), await aliveNames(second)];
      return ofAlone.join() === "n1" && ofSecond.join() === "n2,n3";
    });
    await service(alone, "scale", "web", "--max", "9");
    writeFileSync(file, readmeService().replaceAll("10.0.0.", "10.0.1.").replace("web", "mail"));
    expect(await service(alone, "apply", file)).toMatchObject({ code: 0, err: "" });
    await service(second, "scale", "web", "--max", "5");
    // It goes on from the version that it has heard of.
    await eventually("the third lists it", async () =>
      (await versionsAt(third)).includes("web 2 n2"),
    );
    await service(third, "scale", "web", "--max", "4");
    expect(await versionsAt(alone)).toEqual(["mail 1 n1", "web 2 n1"]);
    await eventually("the two agree on theirs", async () =>
      (await versionsAt(second)).includes("web 3 n3"),
    );

    fleet.heal(1);
    const ms = await allSay("all agree after the cut", ["mail 1 n1", "web 3 n3"]);
    console.log(`agreed ${Math.round(ms)} ms after the cut was healed`);
    expect((await listAt(alone))[1]?.spec?.running).toEqual({ min: 1, max: 4 });
  },
);

it("without a key no service is taken", async () => {
  const settings = { hypervisor: { driver: "sim" } };
  const fleet = fleetInTest({ count: 1, network: "loopback", keyed: false, settings });
  const host = fleet.host(1);
  await host.start();
  const file = join(fleet.folder, "web.yaml");
  writeFileSync(file, readmeService());
  const { code, err } = await service(host, "apply", file);
  expect(code).toBe(1);
  expect(err).toContain("has no cluster key");
  expect(await listAt(host)).toEqual([]);
});
