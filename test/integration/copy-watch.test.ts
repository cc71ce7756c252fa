/** The watch that judges struck moves sees what must never be, when it is put before it. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { AgentHost } from "../support/agent-host.ts";
import { CopyWatch, copyPath } from "../support/copy-watch.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const VM = "web";
const running = { state: "running", boot: "1", ranMs: 500, sinceMs: 0 };
const halted = { state: "sent", boot: "1", ranMs: 500, sinceMs: null };

function scene() {
  const folder = temporaryFolder();
  const [source, target] = ["n1", "n2"].map(
    (name) =>
      new AgentHost({
        folder,
        name,
        keyFile: null,
        settings: null,
        from: "source",
        commandOn: ([file = "", ...args]) => ({ file, args }),
      }),
  ) as [AgentHost, AgentHost];
  const put = (host: AgentHost, copy: object | null) => {
    const path = copyPath(host, VM);
    mkdirSync(dirname(path), { recursive: true });
    if (copy === null) rmSync(path, { force: true });
    else writeFileSync(path, JSON.stringify({ ...copy, spec: { name: VM } }));
  };
  const watch = new CopyWatch([source, target], VM);
  onTestFinished(() => watch.stop());
  const sees = (words: RegExp) =>
    eventually(String(words), async () => watch.faults.some((fault) => words.test(fault)));
  return { source, target, put, watch, sees };
}

const aWhile = () => new Promise((resolve) => setTimeout(resolve, 100));

it("CopyWatch sees two running copies", async () => {
  const { source, target, put, sees } = scene();
  put(source, { ...running, sinceMs: Date.now() });
  put(target, { ...running, sinceMs: Date.now() });
  await sees(/two copies ran: on n1 and n2/);
});

it("CopyWatch sees a memory that ran on at both ends, one after the other", async () => {
  const { source, target, put, sees } = scene();
  put(source, halted);
  put(target, { ...running, sinceMs: Date.now() });
  await aWhile();
  put(target, null);
  put(source, { ...running, sinceMs: Date.now() });
  await sees(/the same memory ran on n2 and n1/);
});

it("CopyWatch sees a guest that was booted anew", async () => {
  const { source, put, sees } = scene();
  put(source, { ...running, sinceMs: Date.now() });
  await aWhile();
  put(source, { ...running, boot: "2", sinceMs: Date.now() });
  await sees(/booted anew/);
});

it("CopyWatch measures the time in which no copy ran, and finds no fault in a plain move", async () => {
  const { source, target, put, watch } = scene();
  put(source, { ...running, ranMs: 0, sinceMs: Date.now() - 500 });
  await aWhile();
  put(source, { ...halted, ranMs: 600 });
  await aWhile();
  await aWhile();
  put(target, { ...running, ranMs: 600, sinceMs: Date.now() });
  await aWhile();
  put(source, null);
  await aWhile();
  expect(watch.faults).toEqual([]);
  expect(watch.frozenMsMax).toBeGreaterThan(100);
});
