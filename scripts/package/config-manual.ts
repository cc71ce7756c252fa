import * as z from "zod";
import { configSchema, listSettings } from "#agent/config/schema.ts";
import type { ManualDate } from "./command-manual.ts";
import { manualPage, roffBold, roffText } from "./roff.ts";

/** What a JSON Schema says of one setting, as far as people are told. */
interface SettingShape {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly anyOf?: readonly SettingShape[];
  readonly properties?: Readonly<Record<string, SettingShape>>;
}

/** evenkeel.yaml(5), from the schema that the agent checks the file by. */
export function configManual({ version, date }: ManualDate): string {
  return manualPage({
    name: "evenkeel.yaml",
    section: 5,
    version,
    date,
    summary: "configuration of the evenkeel agent",
    sections: [
      ["SYNOPSIS", [roffBold("/etc/evenkeel/evenkeel.yaml")]],
      ["DESCRIPTION", DESCRIPTION.flatMap((text) => [".PP", roffText(text)])],
      ["SETTINGS", listSettings().flatMap(settingLines)],
      [
        "FILES",
        [".TP", roffBold("/usr/share/doc/evenkeel/examples/evenkeel.yaml"), roffText(EXAMPLE)],
      ],
      ["SEE ALSO", [`${roffBold("evenkeel")}(1)`]],
    ],
  });
}

const DESCRIPTION = [
  "YAML. The file may be missing: agents with the same cluster key find each other on a local segment " +
    "with nothing configured. A setting that is written here as section.name stands under its section.",
  "An unknown setting, or a value that is out of bounds, keeps the agent from starting (exit status 78), " +
    "with file and line in its log. A change takes effect at the agent's next start, which guests do not notice: " +
    "systemctl restart evenkeel",
];

const EXAMPLE = "every setting with its default, as comments";

function settingLines(setting: ReturnType<typeof listSettings>[number]): string[] {
  const { key, doc } = setting;
  const facts = [...boundsOf(shapeOf(key)), `default: ${JSON.stringify(setting.default)}`];
  return [".TP", roffBold(key), roffText(`${doc}.`), ".br", roffText(`(${facts.join("; ")})`)];
}

/** A setting's place in the schema of the whole file. */
function shapeOf(key: string): SettingShape {
  let shape = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as SettingShape;
  for (const name of key.split(".")) shape = shape.properties?.[name] ?? {};
  return shape;
}

/** For example `0 to 65535`, or `auto, kvm, tcg`; nothing where the type says it all. */
function boundsOf(shape: SettingShape): string[] {
  if (shape.anyOf) return shape.anyOf.flatMap(boundsOf);
  if (shape.enum) return [`one of ${shape.enum.join(", ")}`];
  if (shape.type === "array") return [`at most ${shape.maxItems}`];
  if (shape.type === "boolean") return ["true or false"];
  const { minimum, maximum } = shape;
  return minimum === undefined || maximum === undefined ? [] : [`${minimum} to ${maximum}`];
}
