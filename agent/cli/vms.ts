import type { VmState } from "#lib/model/vm.ts";
import type { VmAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import type { Palette, Tone } from "./palette.ts";
import { tableLines } from "./table.ts";
import { formatBytes, NO_FIGURE } from "./units.ts";
import { printJson, type VerbRunner } from "./verb-context.ts";

const TONES: Readonly<Partial<Record<VmState, Tone>>> = {
  running: "good",
  migrating: "warn",
  frozen: "warn",
  "in-doubt": "bad",
  lost: "bad",
  stopped: "dim",
  suspended: "dim",
};

/** `evenkeel vms`: every VM that this host knows of, and who owns it. */
export const vms: VerbRunner = async (context, { options }) => {
  const answer = await context.client.get<{ vms: readonly VmAnswer[] }>("/v1/vms");
  const wanted = options["host"];
  const list = answer.vms.filter((vm) => wanted === undefined || vm.host === wanted);
  if (context.json) printJson(context, { vms: list });
  else if (list.length === 0) context.io.out("no VMs; define one with: evenkeel vm define FILE");
  else for (const line of vmLines(list, context.palette)) context.io.out(line);
  return exitCodes.ok;
};

function vmLines(list: readonly VmAnswer[], palette: Palette): readonly string[] {
  const columns = [
    { title: "NAME" },
    { title: "HOST" },
    { title: "STATE" },
    { title: "VCPUS", align: "right" as const },
    { title: "CPU", align: "right" as const },
    { title: "MEMORY", align: "right" as const },
    { title: "RULES" },
  ];
  const rows = list.map((vm) => [
    palette("strong", vm.name),
    vm.hostState === "alive" ? vm.host : `${vm.host} (${palette("bad", vm.hostState)})`,
    palette(TONES[vm.state] ?? null, vm.state) + (vm.moveTarget ? ` to ${vm.moveTarget}` : ""),
    String(vm.vcpus),
    vm.load === null ? NO_FIGURE : vm.load.cpuCores.toFixed(2),
    formatBytes(vm.memoryBytes),
    rulesText(vm),
  ]);
  return tableLines(columns, rows);
}

/** What keeps the balancer's hands off, in short. */
function rulesText({ policy, immovable }: VmAnswer): string {
  const rules: string[] = [];
  if (policy.pin !== null) rules.push(`pinned to ${policy.pin}`);
  if (policy.managed === false) rules.push("not managed");
  if (policy.ignore) rules.push("ignored");
  if (policy.antiAffinityGroup !== null) rules.push(`apart from ${policy.antiAffinityGroup}`);
  if (policy.affinityGroup) rules.push(`together with ${policy.affinityGroup}`);
  if (policy.priority !== undefined) rules.push(`priority ${policy.priority}`);
  if (policy.shutdown !== undefined) rules.push(`at shutdown: ${policy.shutdown}`);
  if (immovable !== null) rules.push(immovable);
  return rules.join("; ");
}
