/**
 * The floors of the house: which folder may import which.
 *
 * Imports only point down. Every source file belongs to exactly one floor; a file whose folder has
 * none is an error, so a new folder has to be thought about before it can be used.
 */

/** One floor: the files that belong to it, and the floors below that it may import. */
interface Floor {
  readonly name: string;
  /** Path of the floor: a folder ending in `/`, or one file. */
  readonly path: string;
  readonly mayImport: readonly string[];
}

/** An import found in the sources; paths are relative to the repository root. */
export interface Import {
  readonly from: string;
  readonly to: string;
  readonly kind: "source" | "package" | "node" | "unresolved";
  readonly typeOnly: boolean;
}

const THEORIES = "membership view election moves ledger planning services power"
  .split(" ")
  .map((name) => `lib/${name}`);
const ADAPTERS = "runtime api transport channel hypervisor host switch store config os"
  .split(" ")
  .map((name) => `agent/${name}`);
const BELOW_THEORIES = ["lib/base", "lib/model", "lib/wire"];
const BELOW_CORE = [...BELOW_THEORIES, ...THEORIES];
const LIB = [...BELOW_CORE, "lib/core", "lib/simulation"];
const BELOW_ADAPTERS = [...LIB, "agent/ports"];
// The command is a client of the API: it shares the words of the model, not the machinery.
const BELOW_COMMAND = [
  "lib/base",
  "lib/model",
  "lib/simulation",
  "agent/config",
  "agent/own-version.ts",
];

const FLOORS: readonly Floor[] = [
  folder("lib/base", []),
  folder("lib/model", ["lib/base"]),
  folder("lib/wire", ["lib/base", "lib/model"]),
  ...THEORIES.map((name) => folder(name, BELOW_THEORIES)),
  folder("lib/core", BELOW_CORE),
  folder("lib/simulation", [...BELOW_CORE, "lib/core"]),
  folder("agent/ports", LIB),
  ...ADAPTERS.map((name) => folder(name, BELOW_ADAPTERS)),
  file("agent/lifecycle.ts", BELOW_ADAPTERS),
  file("agent/compose.ts", [...BELOW_ADAPTERS, ...ADAPTERS, "agent/lifecycle.ts"]),
  file("agent/main.ts", [
    ...BELOW_ADAPTERS,
    "agent/config",
    "agent/os",
    "agent/own-version.ts",
    "agent/lifecycle.ts",
    "agent/compose.ts",
  ]),
  file("agent/own-version.ts", []),
  folder("agent/cli", BELOW_COMMAND),
  file("agent/cli.ts", [...BELOW_COMMAND, "agent/cli"]),
];

/** Single files that one floor may import although their floor is closed to it. */
const EXCEPTIONS: readonly { from: string; to: string; reason: string }[] = [
  {
    from: "agent/cli",
    to: "agent/store/cluster-key.ts",
    reason: "`key generate` writes the very file that the daemon reads",
  },
];

/** Files that start a process: they run code when loaded, so nothing may import them. */
const ENTRIES = ["agent/main.ts", "agent/cli.ts", "agent/channel/main.ts"];

/** Packages that have one place in the house. */
const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  zod: ["agent/config", "agent/api"],
};

/** Name of the floor a file stands on, or undefined if its folder has none. */
export function floorOf(path: string): string | undefined {
  return findFloor(path)?.name;
}

/** Why this import is forbidden, as a sentence that names the remedy; undefined if it is allowed. */
export function objectionTo({ from, to, kind, typeOnly }: Import): string | undefined {
  const floor = findFloor(from);
  if (floor === undefined) return `${from} stands on no floor: give its folder one in floors.ts`;
  if (kind === "unresolved") return `${from} imports ${to}, which cannot be found`;
  if (kind !== "source") return objectionToOutside(floor, { from, to, kind, typeOnly });
  if (ENTRIES.includes(to)) return `${from} imports ${to}, which is the entry of a process`;
  const target = findFloor(to);
  if (target === undefined) return `${from} imports ${to}, which stands on no floor`;
  if (target === floor || floor.mayImport.includes(target.name)) return undefined;
  const excepted = EXCEPTIONS.some((entry) => entry.from === floor.name && entry.to === to);
  if (excepted) return undefined;
  return `${from} imports ${to}: ${floor.name} may not import ${target.name}`;
}

function objectionToOutside(floor: Floor, { from, to, kind, typeOnly }: Import) {
  if (floor.name.startsWith("lib/"))
    return `${from} imports ${to}: lib/ is pure, it imports lib/ only`;
  if (floor.name === "agent/ports" && !(kind === "node" && typeOnly)) {
    return `${from} imports ${to}: a port is an interface and needs no implementation`;
  }
  const homes = Object.hasOwn(PACKAGE_HOMES, to) ? PACKAGE_HOMES[to] : undefined;
  if (homes !== undefined && !homes.includes(floor.name)) {
    return `${from} imports ${to}, which belongs in ${homes.join(" and ")} only`;
  }
  return undefined;
}

function findFloor(path: string): Floor | undefined {
  return FLOORS.find((floor) =>
    floor.path.endsWith("/") ? path.startsWith(floor.path) : path === floor.path,
  );
}

function folder(name: string, mayImport: readonly string[]): Floor {
  return { name, path: `${name}/`, mayImport };
}

function file(name: string, mayImport: readonly string[]): Floor {
  return { name, path: name, mayImport };
}
