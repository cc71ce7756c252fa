import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { SqliteJournal } from "#agent/store/journal.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ROUNDS = 5;

async function open(path: string): Promise<SqliteJournal> {
  const journal = new SqliteJournal({ path });
  onTestFinished(() => journal.close());
  await journal.start();
  return journal;
}

/** A process that writes numbered lines as fast as it can and prints each that is durable. */
function startWriter(path: string): ChildProcess {
  const writer = spawn(process.execPath, [join("test", "fixtures", "journal-writer.ts"), path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void writer.kill("SIGKILL"));
  return writer;
}

/** Kills the writer in the middle of its work; resolves with the last line it called durable. */
async function killAfter(writer: ChildProcess, lines: number): Promise<number> {
  let last = -1;
  if (!writer.stdout) throw new Error("the writer has no stdout");
  for await (const line of createInterface({ input: writer.stdout })) {
    last = Number(line);
    if (last >= lines) writer.kill("SIGKILL");
  }
  return last;
}

function mountTmpfs(folder: string, mountOptions: string): boolean {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", mountOptions, "tmpfs", folder], {
      stdio: "ignore",
    });
  } catch {
    return false;
  }
  onTestFinished(() => void execFileSync("umount", ["--lazy", folder], { stdio: "ignore" }));
  return true;
}

describe("SqliteJournal under faults", () => {
  it("loses nothing it acknowledged when killed in the middle of writes", async () => {
    const path = join(temporaryFolder(), "journal.db");
    let acknowledged = -1;
    for (let round = 0; round < ROUNDS; round += 1) {
      const writer = startWriter(path);
      acknowledged = await killAfter(writer, acknowledged + 40 + 13 * round);
      const journal = await open(path);
      const lines = await journal.readAll();
      await journal.close();
      const written = lines.map(({ key }) => Number(key.slice("line/".length)));
      // All of them up to the last acknowledged, whole, and none missing in between.
      expect(written.length).toBeGreaterThan(acknowledged);
      expect(written).toEqual(written.map((_, index) => index));
      expect(lines.every(({ value }) => value?.length === 200)).toBe(true);
    }
  });

  it("keeps a second process out", async () => {
    const path = join(temporaryFolder(), "journal.db");
    const writer = startWriter(path);
    if (!writer.stdout) throw new Error("the writer has no stdout");
    await once(writer.stdout, "data");
    await expect(open(path)).rejects.toThrow(/is locked by another process/);
  });

  it("names file and remedy when the disk is full, and stays failed", async (context) => {
    const folder = join(temporaryFolder(), "small");
    if (!mountTmpfs(folder, "size=300k")) return context.skip("needs root to mount a tmpfs");
    const journal = await open(join(folder, "journal.db"));
    const fill = async () => {
      for (let index = 0; index < 100; index += 1) {
        await journal.write([{ key: `line/${index}`, value: "x".repeat(10_000) }]);
      }
    };
    await expect(fill()).rejects.toThrow(/small\/journal\.db: cannot write .*: free space/);
    await expect(journal.write([{ key: "small", value: "1" }])).rejects.toThrow(/free space/);
  });

  it("names file and remedy when the folder is read-only", async (context) => {
    const folder = join(temporaryFolder(), "fixed");
    if (!mountTmpfs(folder, "ro,size=300k")) return context.skip("needs root to mount a tmpfs");
    await expect(open(join(folder, "journal.db"))).rejects.toThrow(/cannot be written.*writable/);
  });
});
