// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
/**
 * A service from its file to an answer through HAProxy: two real agents, real guests, the real
 * switch. One member runs as the file says, the other sleeps until it is wanted.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { fleetInTest } from "../support/fleet-in-test.ts";
import { freePort } from "../support/free-port.ts";
import { HaproxyRig } from "../support/haproxy-rig.ts";
import { labGuestFolder, labKernelTemplate } from "../support/lab-guest.ts";
import { runCli } from "../support/run-cli.ts";

const STAGE_MS_MAX = 90_000;
const CMDLINE =
  "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable net=1 gip=10.0.2.15 web=0,64 agent=1";

it("a service is staged on all hosts, one member serves, a second when it is wanted, none once it is deleted", async () => {
  const haproxy = await HaproxyRig.make();
  onTestFinished(() => haproxy.close());
  const settings = {
    hypervisor: { driver: "qemu", storageRoots: [labGuestFolder] },
    capacity: { cpuCores: 2, memoryMiB: 512 },
    switch: { haproxySocket: haproxy.socketPath() },
  };
  const fleet = fleetInTest({ count: 2, network: "loopback", settings });
  await fleet.startAll();
  await fleet.joined();
  const act = await runCli(["--socket", fleet.host(1).socketPath, "act"]);
  expect(act.code).toBe(0);
  const service = {
    name: "web",
    template: {
      memory: "96MiB",
      machine: "q35",
      kernel: labKernelTemplate(CMDLINE),
      network: { kind: "user", guestPort: 80, hostPort: "${port}" },
      guestAgent: true,
    },
    endpoint: { address: "127.0.0.1", port: "${port}" },
    hosts: { n1: { port: String(await freePort()) }, n2: { port: String(await freePort()) } },
    running: { min: 1, max: 2 },
    target: { cpuShare: 0.6 },
    health: { path: "/health" },
    drain: "1s",
    settle: "2s",
    switch: { backend: "web" },
  };
  const file = join(fleet.folder, "web.yaml");
  writeFileSync(file, JSON.stringify(service));
  const say = (...words: string[]) =>
    runCli(["--socket", fleet.host(1).socketPath, "service", ...words]);
  const applied = await say("apply", file);
  expect(applied.err).toBe("");

  const states = async () => {
    const [view] = await haproxy.switch.observe(["web"], new AbortController().signal);
    return (view?.servers ?? []).map(({ state }) => state).sort();
  };
  const members = async () => {
    const { service: shown } = JSON.parse((await say("show", "web", "--json")).out);
    return shown.members.map(({ state }: { state: string }) => state).sort();
  };
  const staged = await eventually(
    "one serves, one sleeps",
    async () => {
      // The first may serve while the second is still being staged.
      expect(await members()).toEqual(["running", "suspended"]);
      expect(await states()).toEqual(["maint", "ready"]);
      return (await haproxy.get("/")).status === 200;
    },
    { limitMs: STAGE_MS_MAX },
  );
  console.info(`staged and serving after ${Math.round(staged)} ms`);
  expect(fleet.hosts.flatMap((host) => host.guests())).toHaveLength(1);

  expect((await say("scale", "web", "--min", "2")).err).toBe("");
  const scaled = await eventually(
    "both serve",
    async () => {
      expect(await states()).toEqual(["ready", "ready"]);
      return true;
    },
    { limitMs: STAGE_MS_MAX },
  );
  console.info(`a second member serves ${Math.round(scaled)} ms after it was wanted`);
  expect(fleet.hosts.flatMap((host) => host.guests())).toHaveLength(2);

  expect((await say("delete", "web")).err).toBe("");
  await eventually(
    "nothing is left of it",
    async () => {
      expect(await states()).toEqual([]);
      return fleet.hosts.every((host) => host.guests().length === 0);
    },
    { limitMs: STAGE_MS_MAX },
  );
});
