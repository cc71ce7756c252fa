// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
/**
 * What goes wrong with services, as the admin of three real agents sees it on each of them: a file
 * that is none, an image that one host lacks, a health check that never passes, a HAProxy that is not
 * there and one that refuses. Beside all of it one sound service serves on.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { AgentHost } from "../support/agent-host.ts";
import { eventually } from "../support/eventually.ts";
import { fleetInTest } from "../support/fleet-in-test.ts";
import { freePort } from "../support/free-port.ts";
import { HaproxyRig } from "../support/haproxy-rig.ts";
import { labGuestFolder, labKernelTemplate } from "../support/lab-guest.ts";
import { runCli } from "../support/run-cli.ts";

const SAID_MS_MAX = 120_000;
const ASK_MS = 250;
const CMDLINE =
  "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable net=1 gip=10.0.2.15 web=0,64";

interface Shown {
  readonly members: readonly {
    readonly host: string;
    readonly state: string;
    readonly obstacle: string;
  }[];
  readonly switches: readonly { readonly host: string; readonly problem: string }[];
}

it("says on every host what is wrong with a service, and disturbs no other", async () => {
  const images = mkdtempSync(join(tmpdir(), "evenkeel-images-"));
  onTestFinished(() => rmSync(images, { recursive: true, force: true }));
  const [sound, refusing] = [await haproxyInTest(), await haproxyInTest()];
  const sockets = [sound.socketPath(), join(images, "no-such.sock"), refusing.socketPath("user")];
  const fleet = fleetInTest({
    count: 3,
    network: "loopback",
    settings: {
      hypervisor: { driver: "qemu", storageRoots: [labGuestFolder, images] },
      capacity: { cpuCores: 2, memoryMiB: 1024 },
    },
    settingsOf: (number) => ({ switch: { haproxySocket: sockets[number - 1] ?? "" } }),
  });
  const first = fleet.host(1);
  await fleet.startAll();
  await fleet.joined();
  expect((await runCli(["--socket", first.socketPath, "act"])).code).toBe(0);
  const apply = (text: string) => {
    const file = join(fleet.folder, "service.yaml");
    writeFileSync(file, text);
    return runCli(["--socket", first.socketPath, "service", "apply", file]);
  };
  const declare = async (service: object) =>
    expect(await apply(JSON.stringify(service))).toMatchObject({ code: 0, err: "" });
  const everywhere = (name: string, what: string, holds: (shown: Shown) => void) =>
    eventually(
      what,
      async () => {
        for (const host of fleet.hosts) holds(await shownBy(host, name));
        return true;
      },
      { limitMs: SAID_MS_MAX },
    );

  const web = await serviceOf("web", 1);
  await declare(web);
  await everywhere("web", "the sound one serves", ({ members }) => {
    expect(members.map(({ state }) => state)).toEqual(["running"]);
  });
  const pids = () => fleet.hosts.flatMap((host) => host.guests().map(({ pid }) => pid));
  const [pid] = pids();
  const misses = watched(fleet.hosts.map(({ name }) => web.hosts[name]?.port ?? ""));

  const bad = await apply(`name: bad\ntemplate:\n  memory: 96MiB\n  colour: blue\n`);
  expect(bad.code).not.toBe(0);
  expect(bad.err).toMatch(/line 4.*colour/s);

  const broken = await serviceOf("broken", "all");
  const { template } = broken;
  for (const host of ["n1", "n2"]) {
    mkdirSync(join(images, host));
    copyFileSync(template.kernel.path, join(images, host, "kernel"));
  }
  const path = join(images, "${host}", "kernel");
  await declare({ ...broken, template: { ...template, kernel: { ...template.kernel, path } } });
  const sick = await serviceOf("sick", 1);
  await declare({ ...sick, health: { path: "/absent", bootWithin: "6s" } });

  const lacked = await everywhere("broken", "the host that lacks the image says so", (shown) => {
    const [n1, n2, n3] = shown.members;
    expect([n1?.state, n2?.state].sort()).toEqual(["running", "suspended"]);
    expect([n1?.obstacle, n2?.obstacle, n3?.host]).toEqual(["", "", "n3"]);
    expect(n3?.obstacle).toContain(join(images, "n3", "kernel"));
  });
  const failed = await everywhere("sick", "its host says how it answers", ({ members }) => {
    expect(members).toHaveLength(1);
    expect(members[0]?.obstacle).toMatch(/404/);
  });
  await everywhere("web", "each host names the switches that fail", ({ switches }) => {
    const problems = Object.fromEntries(switches.map(({ host, problem }) => [host, problem]));
    expect(problems["n1"]).toBe("");
    expect(problems["n2"]).toContain("no-such.sock");
    expect(problems["n3"]).toMatch(/permission denied/i);
  });
  const listed = await runCli(["--socket", fleet.host(3).socketPath, "service", "list", "--json"]);
  const names = JSON.parse(listed.out).services.map(({ name }: { name: string }) => name);
  expect(names).toEqual(["broken", "sick", "web"]);

  expect(pids()).toContain(pid);
  expect(await shownBy(first, "web")).toMatchObject({ members: [{ state: "running" }] });
  const { asked, missed } = await misses();
  console.log(
    `bad cases: a missing image said after ${Math.round(lacked)} ms, a failing check ${Math.round(failed)} ms later; ${missed} of ${asked} requests to the sound service failed`,
  );
  expect(missed).toBe(0);
});

async function haproxyInTest(): Promise<HaproxyRig> {
  const haproxy = await HaproxyRig.make();
  onTestFinished(() => haproxy.close());
  return haproxy;
}

async function shownBy(host: AgentHost, name: string): Promise<Shown> {
  const { service } = await host.api.get<{ service: Shown }>(`/v1/services/${name}`);
  return service;
}

async function serviceOf(name: string, staged: number | "all") {
  const ports = [await freePort(), await freePort(), await freePort()];
  const hosts: Record<string, { port: string }> = Object.fromEntries(
    ports.map((port, at) => [`n${at + 1}`, { port: String(port) }]),
  );
  return {
    name,
    template: {
      memory: "96MiB",
      machine: "q35",
      kernel: labKernelTemplate(CMDLINE),
      network: { kind: "user", guestPort: 80, hostPort: "${port}" },
    },
    endpoint: { address: "127.0.0.1", port: "${port}" },
    hosts,
    staged,
    running: { min: 1, max: 1 },
    target: { sessionsPerMember: 1_000 },
    health: { path: "/health" },
    drain: "1s",
    settle: "2s",
    switch: { backend: "web" },
  };
}

/** Asks the one member that answers, all the time; ends with the call. */
function watched(ports: readonly string[]): () => Promise<{ asked: number; missed: number }> {
  const counts = { asked: 0, missed: 0 };
  let isOver = false;
  const answers = async (port: string) => {
    try {
      return (await fetch(`http://127.0.0.1:${port}/health`)).ok;
    } catch {
      return false;
    }
  };
  const run = async () => {
    while (!isOver) {
      const found = await Promise.all(ports.map(answers));
      counts.asked += 1;
      if (!found.includes(true)) counts.missed += 1;
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    }
    return counts;
  };
  const over = run();
  onTestFinished(() => {
    isOver = true;
  });
  return () => {
    isOver = true;
    return over;
  };
}
