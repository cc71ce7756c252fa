import { simulateFlags } from "./simulate/flags.ts";
import type { VerbRunner } from "./verb-context.ts";

/** How a verb is written and found. The file of a verb is loaded only when it is asked for. */
export interface VerbEntry {
  /** Words and arguments as commander reads them. */
  readonly usage: string;
  readonly summary: string;
  readonly example: string;
  readonly options?: readonly {
    readonly flags: string;
    readonly text: string;
    readonly required?: true;
  }[];
  /** What its help says after the example. */
  readonly closing?: string;
  readonly load: () => Promise<VerbRunner>;
}

const noWait = { flags: "--no-wait", text: "return as soon as the agent has taken it on" };

/** All verbs, in the order in which the help lists them. */
export const verbs: readonly VerbEntry[] = Object.freeze([
  {
    usage: "status",
    summary: "the cluster on one screen: hosts, load, moves, alarms",
    example: "evenkeel status",
    load: async () => (await import("./status.ts")).status,
  },
  {
    usage: "members",
    summary: "the hosts of the cluster, as this one sees them",
    example: "evenkeel members --json",
    load: async () => (await import("./members.ts")).members,
  },
  {
    usage: "vms",
    summary: "every VM, its host and its state",
    example: "evenkeel vms --host host-b",
    options: [{ flags: "--host <name>", text: "only those of one host" }],
    load: async () => (await import("./vms.ts")).vms,
  },
  {
    usage: "plan",
    summary: "what would be moved now, why, and why not the rest",
    example: "evenkeel plan",
    load: async () => (await import("./plan.ts")).plan,
  },
  {
    usage: "explain <vm>",
    summary: "why a VM moved, or why it is still there",
    example: "evenkeel explain web-3",
    load: async () => (await import("./explain.ts")).explain,
  },
  {
    usage: "history",
    summary: "the moves that ended, newest first, with their reasons",
    example: "evenkeel history --vm web-3",
    options: [{ flags: "--vm <name>", text: "only those of one VM" }],
    load: async () => (await import("./history.ts")).history,
  },
  {
    usage: "moves",
    summary: "the moves under way at this host",
    example: "evenkeel moves",
    load: async () => (await import("./moves.ts")).moves,
  },
  {
    usage: "events",
    summary: "what happens, as it happens, until ^C",
    example: "evenkeel events --recent 20",
    options: [{ flags: "--recent <count>", text: "begin with this many past ones" }],
    load: async () => (await import("./events.ts")).events,
  },
  {
    usage: "act",
    summary: "let the cluster act: moves are made as they are elected",
    example: "sudo evenkeel act",
    load: async () => (await import("./act.ts")).act,
  },
  {
    usage: "hold",
    summary: "stop new actions on every host; verbs of operators still work",
    example: "sudo evenkeel hold",
    load: async () => (await import("./hold.ts")).hold,
  },
  {
    usage: "drain <host>",
    summary: "empty a host; waits, and ^C ends only the waiting",
    example: "sudo evenkeel drain host-b --deadline 10m",
    options: [{ flags: "--deadline <span>", text: "wait at most this long: 90s, 10m, 1h" }, noWait],
    load: async () => (await import("./drain.ts")).drain,
  },
  {
    usage: "undrain <host>",
    summary: "let VMs come to a host again",
    example: "sudo evenkeel undrain host-b",
    load: async () => (await import("./undrain.ts")).undrain,
  },
  {
    usage: "migrate <vm> <host>",
    summary: "move a running VM; waits, and ^C ends only the waiting",
    example: "sudo evenkeel migrate web-3 host-b",
    options: [noWait],
    load: async () => (await import("./migrate.ts")).migrate,
  },
  {
    usage: "cancel <vm>",
    summary: "stop a move under way; the VM runs on where it was",
    example: "sudo evenkeel cancel web-3",
    load: async () => (await import("./cancel.ts")).cancel,
  },
  {
    usage: "suspend <vm>",
    summary: "save a VM to disk and free its memory",
    example: "sudo evenkeel suspend web-3",
    load: async () => (await import("./suspend.ts")).suspend,
  },
  {
    usage: "resume <vm>",
    summary: "let a suspended VM run again",
    example: "sudo evenkeel resume web-3",
    load: async () => (await import("./resume.ts")).resume,
  },
  {
    usage: "vm define <file>",
    summary: "make a VM known on this host from a YAML spec (- for standard input)",
    example: "sudo evenkeel vm define web-3.yaml",
    load: async () => (await import("./vm-define.ts")).vmDefine,
  },
  {
    usage: "vm set <vm> <setting...>",
    summary: "change a VM's rules: where it may run, and what becomes of it as its host stops",
    example: "sudo evenkeel vm set web-3 pin=host-b anti-affinity=web shutdown=suspend",
    closing: [
      "Settings, each with what it is when none is given:",
      "  managed=yes|no        no: evenkeel keeps its hands off but for verbs (yes)",
      "  pin=HOST|none         the one host that it may run on (none)",
      "  ignore=yes|no         yes: the balancer never moves it; verbs do (no)",
      "  affinity=GROUP|none   kept on one host with the others of the group (none)",
      "  anti-affinity=GROUP|none  kept on another host than the others of the group (none)",
      "  priority=0..100       more is started earlier at boot, and ended later (50)",
      "  shutdown=off|suspend|migrate|leave  what becomes of it when its host shuts down (off)",
    ].join("\n"),
    load: async () => (await import("./vm-set.ts")).vmSet,
  },
  {
    usage: "vm start <vm>",
    summary: "boot a VM on the host that owns it",
    example: "sudo evenkeel vm start web-3",
    load: async () => (await import("./vm-start.ts")).vmStart,
  },
  {
    usage: "vm stop <vm>",
    summary: "ask a guest to power off",
    example: "sudo evenkeel vm stop web-3",
    options: [{ flags: "--force", text: "kill it at once instead of asking" }],
    load: async () => (await import("./vm-stop.ts")).vmStop,
  },
  {
    usage: "vm undefine <vm>",
    summary: "forget a stopped VM; its disk images stay",
    example: "sudo evenkeel vm undefine web-3",
    load: async () => (await import("./vm-undefine.ts")).vmUndefine,
  },
  {
    usage: "guests down",
    summary: "end this host's guests, each by its shutdown policy, before the host shuts down",
    example: "sudo evenkeel guests down --deadline 4m && sudo poweroff",
    options: [
      { flags: "--deadline <span>", text: "end all within this: 90s, 4m (default: 4m)" },
      { flags: "--when-stopping", text: "only while systemd shuts the machine down" },
    ],
    closing:
      "evenkeel-guests.service does this at each shutdown. They run again after the next boot.\n" +
      "If the host stays up after all: evenkeel undrain HOST, then resume or start them.",
    load: async () => (await import("./guests-down.ts")).guestsDown,
  },
  {
    usage: "service apply <file>",
    summary:
      "declare a service for all hosts, or change it, from a YAML file (- for standard input)",
    example: "sudo evenkeel service apply web.yaml",
    closing: "The same file again changes nothing. The counts of the file replace those of scale.",
    load: async () => (await import("./service-apply.ts")).serviceApply,
  },
  {
    usage: "service list",
    summary: "the declared services",
    example: "evenkeel service list",
    options: [{ flags: "--all", text: "deleted ones too, which are remembered" }],
    load: async () => (await import("./service-list.ts")).serviceList,
  },
  {
    usage: "service show <name>",
    summary: "what is declared and by which host, as a file that can be applied again",
    example: "evenkeel service show web > web.yaml",
    load: async () => (await import("./service-show.ts")).serviceShow,
  },
  {
    usage: "service scale <name>",
    summary: "change how many members run at least and at most",
    example: "sudo evenkeel service scale web --min 2 --max 6",
    options: [
      { flags: "--min <n>", text: "run at least so many" },
      { flags: "--max <n>", text: "run at most so many" },
    ],
    load: async () => (await import("./service-scale.ts")).serviceScale,
  },
  {
    usage: "service delete <name>",
    summary: "withdraw a service on all hosts",
    example: "sudo evenkeel service delete web",
    load: async () => (await import("./service-delete.ts")).serviceDelete,
  },
  {
    usage: "move resolve <vm>",
    summary: "your word on a VM in doubt, when the other host cannot be asked",
    example: "sudo evenkeel move resolve web-3 --run-here --fenced host-b",
    options: [
      { flags: "--run-here", text: "the copy on this host is the one to run" },
      { flags: "--discard", text: "the copy on this host is to go" },
      {
        flags: "--fenced <host>",
        text: "the host that you vouch for to be off, or without a copy",
        required: true,
      },
    ],
    load: async () => (await import("./move-resolve.ts")).moveResolve,
  },
  {
    usage: "key generate",
    summary: "make a cluster key (needs no agent)",
    example: "sudo evenkeel key generate --out /etc/evenkeel/cluster.key",
    options: [{ flags: "--out <file>", text: "where to; never over a file", required: true }],
    load: async () => (await import("./key-generate.ts")).keyGenerate,
  },
  {
    usage: "key fingerprint [file]",
    summary: "tell keys apart without showing them (needs no agent)",
    example: "sudo evenkeel key fingerprint",
    load: async () => (await import("./key-fingerprint.ts")).keyFingerprint,
  },
  {
    usage: "doctor",
    summary:
      "check this host: key, permissions, clock, multicast, QEMU, storage, ports, peers, agent",
    example: "sudo evenkeel doctor",
    options: [
      { flags: "--config <file>", text: "the agent's configuration file" },
      { flags: "--state-dir <dir>", text: "the agent's state directory" },
      { flags: "--key <file>", text: "the cluster key" },
    ],
    load: async () => (await import("./doctor/doctor.ts")).doctor,
  },
  {
    usage: "simulate",
    summary: "what the agents would do with your cluster (needs no agent)",
    example: [
      "evenkeel simulate --cluster mine.json --plot mine.svg",
      "evenkeel simulate --cluster mine.json --max-moves 20 --json",
      "evenkeel simulate --hosts 100 --vms-per-host 10 --noise 0.1 --loss 0.02 --faults random",
      "evenkeel simulate --trace loads.csv --hosts 12 --trace-speed 10",
    ].join("\n  "),
    options: simulateFlags,
    closing:
      "Exit codes: 0 all went well, 1 a checker saw what must never be, 2 the input cannot be used.",
    load: async () => (await import("./simulate/simulate.ts")).simulate,
  },
  {
    usage: "version",
    summary: "versions of command and agent",
    example: "evenkeel version",
    load: async () => (await import("./version.ts")).version,
  },
]);
