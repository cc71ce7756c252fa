import type { ServiceAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import type { Palette } from "./palette.ts";
import { tableLines } from "./table.ts";
import { formatBytes, NO_FIGURE } from "./units.ts";
import { printJson, type VerbRunner } from "./verb-context.ts";

/** `evenkeel service list`: the declared services; with --all also the deleted ones. */
export const serviceList: VerbRunner = async (context, { options }) => {
  const answer = await context.client.get<{ services: readonly ServiceAnswer[] }>("/v1/services");
  const all = options["all"] === true;
  const list = answer.services.filter(({ state }) => all || state !== "deleted");
  if (context.json) printJson(context, { services: list });
  else if (list.length === 0) {
    context.io.out("no services; declare one with: evenkeel service apply FILE");
  } else for (const line of serviceLines(list, context.palette)) context.io.out(line);
  return exitCodes.ok;
};

function serviceLines(list: readonly ServiceAnswer[], palette: Palette): readonly string[] {
  const columns = [
    { title: "NAME" },
    { title: "STATE" },
    { title: "STAGED", align: "right" as const },
    { title: "RUNNING", align: "right" as const },
    { title: "MEMORY", align: "right" as const },
    { title: "BACKEND" },
    { title: "VERSION", align: "right" as const },
    { title: "BY" },
  ];
  const rows = list.map(({ name, state, spec, version, author }) => [
    palette("strong", name),
    palette(state === "unreadable" ? "bad" : state === "deleted" ? "dim" : "good", state),
    spec ? String(spec.stagedMax ?? "all") : NO_FIGURE,
    spec ? `${spec.running.min}-${spec.running.max}` : NO_FIGURE,
    spec ? formatBytes(spec.template.memoryBytes) : NO_FIGURE,
    spec?.backend ?? NO_FIGURE,
    String(version),
    author,
  ]);
  return tableLines(columns, rows);
}
