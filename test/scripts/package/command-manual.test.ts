import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { verbs } from "#agent/cli/verbs.ts";
import { listSettings } from "#agent/config/schema.ts";
import { commandManual } from "../../../scripts/package/command-manual.ts";
import { allEntries, commandTree, usageOf } from "../../../scripts/package/command-tree.ts";
import { configManual } from "../../../scripts/package/config-manual.ts";
import { roffText } from "../../../scripts/package/roff.ts";
import { hasProgram } from "../../support/has-program.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const BUILD = { version: "1.2.3", date: "2026-01-31" };
const tree = commandTree();
const pages = { "evenkeel.1": commandManual(tree, BUILD), "evenkeel.yaml.5": configManual(BUILD) };

function writePage(name: keyof typeof pages): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, pages[name]);
  return path;
}

/** A page as people read it, without the breaks of lines. */
function asRead(name: keyof typeof pages): string {
  const env = { ...process.env, MANWIDTH: "200", LC_ALL: "C.UTF-8", MAN_KEEP_FORMATTING: "" };
  const { stdout } = spawnSync(
    "man",
    ["--no-hyphenation", "--no-justification", "-l", writePage(name)],
    {
      encoding: "utf8",
      env,
    },
  );
  return stdout.replace(/\s+/g, " ");
}

describe("commandTree()", () => {
  it("has every verb, each with its example and its options", () => {
    const leaves = allEntries(tree).filter(({ children }) => children.length === 0);
    expect(leaves.map((entry) => usageOf(entry)).sort()).toEqual(
      verbs.map(({ usage }) => usage).sort(),
    );
    expect(leaves.map(({ example }) => example).sort()).toEqual(
      verbs.map(({ example }) => example).sort(),
    );
    expect(leaves.flatMap(({ options }) => options.map(({ flags }) => flags)).sort()).toEqual(
      verbs.flatMap(({ options }) => (options ?? []).map(({ flags }) => flags)).sort(),
    );
  });

  it("knows what a word stands for", () => {
    const kinds = new Map(
      allEntries(tree).map((entry) => [
        entry.path.join(" "),
        entry.arguments.map(({ kind }) => kind),
      ]),
    );
    expect(kinds.get("migrate")).toEqual(["vm", "host"]);
    expect(kinds.get("vm define")).toEqual(["file"]);
    expect(kinds.get("service scale")).toEqual(["service"]);
    const vms = allEntries(tree).find(({ path }) => path.join(" ") === "vms");
    expect(vms?.options[0]?.value).toEqual({ name: "name", kind: "host" });
  });
});

describe.skipIf(!hasProgram("groff"))("the manual", () => {
  it.each(["evenkeel.1", "evenkeel.yaml.5"] as const)("%s gives groff nothing to say", (name) => {
    const args = ["-man", "-ww", "-z", "-Tutf8", writePage(name)];
    const { status, stderr } = spawnSync("groff", args, { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("would not pass with an order that groff does not know", () => {
    const path = join(temporaryFolder(), "broken.1");
    writeFileSync(path, `${pages["evenkeel.1"]}.NOSUCH\n`);
    const { stderr } = spawnSync("groff", ["-man", "-ww", "-z", "-Tutf8", path], {
      encoding: "utf8",
    });
    expect(stderr).toContain("NOSUCH");
  });
});

describe.skipIf(!hasProgram("man"))("evenkeel(1)", () => {
  it("shows every command with its summary, options and example", () => {
    const text = asRead("evenkeel.1");
    for (const entry of allEntries(tree).filter(({ children }) => children.length === 0)) {
      const usage = `evenkeel ${usageOf(entry).replace(/[<>]/g, "")} ${entry.summary}.`;
      expect(text).toContain(usage.replace(/\s+/g, " "));
      expect(text).toContain(entry.example?.replace(/\s+/g, " "));
      for (const { flags, text: meaning } of entry.options) {
        expect(text).toContain(`${flags.replace(/[<>]/g, "")} ${meaning}`);
      }
    }
    expect(text).toContain("--socket path the agent's socket");
  });
});

describe.skipIf(!hasProgram("man"))("evenkeel.yaml(5)", () => {
  it("shows every setting with its words, bounds and default", () => {
    const text = asRead("evenkeel.yaml.5");
    for (const { key, doc, default: value } of listSettings()) {
      expect(text).toContain(`${key} ${doc}.`);
      expect(text).toContain(`default: ${JSON.stringify(value)})`);
    }
    expect(text).toContain("(0 to 65535; default: 7531)");
    expect(text).toContain("(one of auto, kvm, tcg; default:");
  });
});

describe("roffText()", () => {
  it("leaves nothing that troff would take for an order", () => {
    expect(roffText(".SH no\n'br\nback\\slash --long …")).toBe(
      "\\&.SH no\n\\&'br\nback\\eslash \\-\\-long \\[u2026]",
    );
  });
});
