import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bashCompletion } from "../../../scripts/package/bash-completion.ts";
import { allEntries, commandTree } from "../../../scripts/package/command-tree.ts";
import { fishCompletion } from "../../../scripts/package/fish-completion.ts";
import { zshCompletion } from "../../../scripts/package/zsh-completion.ts";
import { hasProgram } from "../../support/has-program.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const tree = commandTree();
const TEXTS = {
  bash: bashCompletion(tree),
  zsh: zshCompletion(tree),
  fish: fishCompletion(tree),
} as const;

/** Answers as an agent of a small cluster would. */
const STUB = `#!/bin/sh
case "$1" in
  vms) printf 'NAME  HOST\\nweb-1  host-a\\nweb-2  host-b\\n' ;;
  members) printf 'NAME  STATE\\nhost-a  alive\\nhost-b  alive\\n' ;;
  service) printf 'NAME  STATE\\nshop  declared\\n' ;;
esac
`;

/** What is typed, the last word being completed, and what it may become. */
const CASES: readonly (readonly [typed: string, offers: readonly string[]])[] = [
  ["evenkeel m", ["members", "migrate", "move", "moves"]],
  ["evenkeel vm ", ["define", "set", "start", "stop", "undefine"]],
  ["evenkeel vm start w", ["web-1", "web-2"]],
  ["evenkeel migrate web-1 ", ["host-a", "host-b"]],
  ["evenkeel migrate web-1 host-b ", []],
  ["evenkeel migrate --n", ["--no-wait"]],
  ["evenkeel --socket /none --json drain h", ["host-a", "host-b"]],
  ["evenkeel vms --host ", ["host-a", "host-b"]],
  ["evenkeel service scale ", ["shop"]],
  ["evenkeel move resolve web-1 --fenced ", ["host-a", "host-b"]],
  ["evenkeel vm define spec", ["spec-of-a-vm.yaml"]],
  ["evenkeel doctor --state-dir st", ["state/"]],
];

interface Scene {
  readonly folder: string;
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
}

function scene(shell: keyof typeof TEXTS): Scene {
  const folder = temporaryFolder();
  const script = join(folder, shell === "zsh" ? "_evenkeel" : `evenkeel.${shell}`);
  writeFileSync(script, TEXTS[shell]);
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/evenkeel"), STUB);
  chmodSync(join(folder, "bin/evenkeel"), 0o755);
  const work = join(folder, "work");
  mkdirSync(join(work, "state"), { recursive: true });
  writeFileSync(join(work, "spec-of-a-vm.yaml"), "");
  return {
    folder: work,
    script,
    env: { ...process.env, HOME: folder, PATH: `${join(folder, "bin")}:${process.env["PATH"]}` },
  };
}

function run({ folder, env }: Scene, command: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    env,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe.each(["bash", "zsh", "fish"] as const)("completion for %s", (shell) => {
  it.skipIf(!hasProgram(shell))("is understood by the shell", () => {
    const made = scene(shell);
    expect(run(made, shell, ["-n", made.script])).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("names every command and every option", () => {
    const text = TEXTS[shell];
    for (const { path, options } of allEntries(tree)) {
      const name = path.at(-1);
      if (name !== undefined) expect(text).toMatch(new RegExp(`\\b${name}\\b`));
      for (const long of options.flatMap(({ names }) => names)) {
        expect(text).toContain(shell === "fish" ? `-l ${long.slice(2)} ` : long);
      }
    }
  });
});

describe.skipIf(!hasProgram("bash"))("bash", () => {
  const look =
    'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _evenkeel; printf "%s\\n" "$' +
    '{COMPREPLY[@]}"';

  /** What the shell would offer for the last of these words, sorted. */
  function offersFor(words: readonly string[]): readonly string[] {
    const made = scene("bash");
    const { stdout } = run(made, "bash", ["--norc", "-c", look, made.script, ...words]);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .sort();
  }

  it.each(CASES)("completes %j", (typed, offers) => {
    // The shell itself adds the stroke to a folder.
    const bare = offers.map((offer) => offer.replace(/\/$/, ""));
    expect(offersFor(typed.split(" "))).toEqual(bare);
  });

  it("completes an option that is written with =", () => {
    const words = ["evenkeel", "vms", "--host", "=", "host-"];
    expect(offersFor(words)).toEqual(["host-a", "host-b"]);
  });
});

describe.skipIf(!hasProgram("fish"))("fish", () => {
  it.each(CASES)("completes %j", (typed, offers) => {
    const made = scene("fish");
    const look = `source ${made.script}; complete -C '${typed}'`;
    const { stdout } = run(made, "fish", ["--no-config", "-c", look]);
    const offered = stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split("\t")[0]);
    expect(offered.sort()).toEqual(offers);
  });
});
