import { exitCodes } from "#agent/cli/cli-error.ts";
import { allEntries, type CommandEntry, type CommandOption, usageOf } from "./command-tree.ts";
import { manualPage, roffBold, roffText, roffUsage } from "./roff.ts";

export interface ManualDate {
  readonly version: string;
  readonly date: string;
}

/** evenkeel(1), from the command's own definition. */
export function commandManual(tree: CommandEntry, { version, date }: ManualDate): string {
  const commands = allEntries(tree).filter(({ children }) => children.length === 0);
  return manualPage({
    name: "evenkeel",
    section: 1,
    version,
    date,
    summary: "watch and steer the agent that keeps a fleet of VM hosts level",
    sections: [
      [
        "SYNOPSIS",
        [`${roffBold("evenkeel")} [\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]`],
      ],
      ["DESCRIPTION", DESCRIPTION.flatMap((text) => [".PP", roffText(text)])],
      ["OPTIONS", tree.options.flatMap(optionLines)],
      ["COMMANDS", commands.flatMap(commandLines)],
      ["EXIT STATUS", EXIT_STATUS.flatMap(([code, text]) => [".TP", roffBold(String(code)), text])],
      ["ENVIRONMENT", pairs(ENVIRONMENT)],
      ["FILES", pairs(FILES)],
      ["SEE ALSO", [`${roffBold("evenkeel.yaml")}(5), ${roffBold("systemctl")}(1)`]],
    ],
  });
}

const DESCRIPTION = [
  "The agent of evenkeel (evenkeel.service) runs on every host of a fleet of VM hosts. Agents with " +
    "the same cluster key find each other, gossip load, agree two by two which VM moves where, and " +
    "migrate it live. Nobody is in charge; this command talks to the agent of the host it runs on.",
  "A cluster starts on hold: it shows the moves that it would make and makes none, until somebody " +
    "says evenkeel act on any of its hosts.",
  "Commands that change something need the agent's own user (sudo). Reading is open to the group of " +
    "the reading socket as well (socketGroup in the configuration).",
];

const EXIT_STATUS = [
  [exitCodes.ok, "done"],
  [exitCodes.failed, "failed, or refused"],
  [exitCodes.usage, "written wrongly"],
  [exitCodes.unreachable, "no agent was reached"],
] as const;

const ENVIRONMENT = [
  ["EVENKEEL_SOCKET", "the agent's socket, where --socket does not name it"],
  ["NO_COLOR", "set to anything: no colours"],
] as const;

const FILES = [
  ["/etc/evenkeel/evenkeel.yaml", "the agent's configuration; may be missing"],
  ["/etc/evenkeel/cluster.key", "the cluster key; whoever holds it is root on every host"],
  [
    "/usr/share/evenkeel/own-user.conf",
    "drop-in that runs the agent as its own user, with libvirt; it says how",
  ],
  ["/run/evenkeel/evenkeel.sock", "the socket for all commands"],
  ["/run/evenkeel/read.sock", "the socket for reading"],
  ["/var/lib/evenkeel", "the agent's journal and this host's identity"],
  [
    "/var/lib/evenkeel-images",
    "where images of guests lie, unless the configuration says otherwise",
  ],
] as const;

function pairs(list: readonly (readonly [string, string])[]): string[] {
  return list.flatMap(([name, text]) => [".TP", roffBold(name), roffText(text)]);
}

function optionLines({ flags, text }: CommandOption): string[] {
  return [".TP", roffUsage(flags), roffText(text)];
}

function commandLines(entry: CommandEntry): string[] {
  const { summary, options, example, closing } = entry;
  return [
    `.SS "${roffUsage(`evenkeel ${usageOf(entry)}`)}"`,
    `${roffText(summary)}.`,
    ...options.flatMap(optionLines),
    ...(closing === null ? [] : [".PP", roffText(closing)]),
    ...(example === null
      ? []
      : [".PP", "Example:", ".PP", ".RS 4", ".nf", ...exampleLines(example), ".fi", ".RE"]),
  ];
}

function exampleLines(example: string): string[] {
  return example.split("\n").map((line) => roffText(line.trim()));
}
