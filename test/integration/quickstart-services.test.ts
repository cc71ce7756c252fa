/** The demonstration of services as a reader of the README runs it, with all its parts real. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { canMakeNamespaces } from "../support/network-namespaces.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SCRIPT = resolve(import.meta.dirname, "../../scripts/quickstart");
const RUN_MS_MAX = 400_000;
const FIGURES = [
  ...["resumeMsMedian", "resumeMsMax", "bootMsMedian", "requests", "requestsLost"],
  ...["membersMin", "membersMax", "p99MsBefore", "p99MsCrowd", "secondsToRecover"],
] as const;

describe("scripts/quickstart --services", () => {
  it(
    "wakes all members for a crowd, loses no request, and leaves nothing behind",
    async () => {
      const { child, folder, output } = begin("--json", "--picture", "crowd.svg");
      const [code] = await once(child, "exit");
      const { out, err } = output();
      expect(err).toContain("n1");
      const summary = JSON.parse(out.trim().split("\n").at(-1) ?? "");
      console.info(JSON.stringify(summary));
      expect(Object.keys(summary)).toEqual(["guests", ...FIGURES]);
      expect(summary).toMatchObject({
        guests: "qemu",
        requestsLost: 0,
        membersMin: 1,
        membersMax: 3,
      });
      for (const name of FIGURES) expect(summary[name], name).toBeTypeOf("number");
      expect(summary.requests).toBeGreaterThan(1_000);
      expect(summary.resumeMsMax).toBeGreaterThanOrEqual(summary.resumeMsMedian);
      expect(code).toBe(0);
      expect(readFileSync(join(folder, "crowd.svg"), "utf8")).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
      expect(left(child, folder)).toEqual(["crowd.svg"]);
    },
    RUN_MS_MAX,
  );

  it("leaves nothing behind on ^C, also in the middle of a boot", async () => {
    const { child, folder, output } = begin("--json");
    const staging = new Promise<void>((heard) => {
      child.stderr?.on("data", () => /\bstaging\n/.test(output().err) && heard());
    });
    await Promise.race([staging, once(child, "exit")]);
    child.kill("SIGINT");
    const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
    expect(code).toBe(130);
    expect(output().err).toContain("interrupted");
    expect(left(child, folder)).toEqual([]);
  });

  it("refuses a flag that it does not know, and a picture that cannot be drawn", async () => {
    for (const words of [["--keeep"], ["--picture", "crowd.png"], ["--picture", "no/crowd.svg"]]) {
      const { child, output } = begin(...words);
      expect((await once(child, "exit"))[0]).toBe(2);
      expect(output().err).toMatch(/^quickstart: .*(--keeep|crowd\.png|\/no$)/m);
    }
  });
});

/** Runs it in a folder of its own, which is also where it keeps its temporary files. */
function begin(...words: readonly string[]) {
  const folder = temporaryFolder();
  const child = spawn(SCRIPT, ["--services", ...words], {
    cwd: folder,
    env: { ...process.env, TMPDIR: folder },
  });
  onTestFinished(() => void child.kill("SIGTERM"));
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    err += text;
  });
  return { child, folder, output: () => ({ out, err }) };
}

/** Files, processes that name its folder, and network namespaces. The script's process is node's. */
function left(child: ChildProcess, folder: string): readonly string[] {
  const processes = readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder);
    } catch {
      return false;
    }
  });
  const namespaces = canMakeNamespaces()
    ? execFileSync("ip", ["netns", "list"], { encoding: "utf8" }).split("\n")
    : [];
  const own = namespaces.filter((name) => name.startsWith(`ek${child.pid}`));
  return [...readdirSync(folder), ...processes, ...own];
}
