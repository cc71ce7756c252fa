/**
 * The journal's thread: owns the database file and blocks on its fsyncs, so that the agent's loop
 * does not. Carries out orders one after the other and answers each. It never decides anything:
 * a failed order is answered with its problem, and the agent ends itself.
 */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "#lib/base/assert.ts";
import type { JournalEntry } from "#lib/core/effects.ts";
import { JournalFile } from "./journal-file.ts";
import type { JournalAnswer, JournalOrder, JournalWorkerData } from "./journal-messages.ts";
import { messageOf } from "./node-error.ts";

const port = parentPort;
assert(port !== null, "the journal's worker runs as a worker thread");
const { path }: JournalWorkerData = workerData;
let file: JournalFile | undefined;

port.on("message", (order: JournalOrder) => {
  port.postMessage(answerTo(order));
  if (order.order === "close") port.close();
});

function answerTo(order: JournalOrder): JournalAnswer {
  try {
    return { id: order.id, entries: carryOut(order) };
  } catch (error) {
    return { id: order.id, problem: messageOf(error) };
  }
}

function carryOut(order: JournalOrder): readonly JournalEntry[] {
  if (order.order === "open") {
    file = new JournalFile(path);
    return [];
  }
  if (order.order === "close") {
    file?.close();
    return [];
  }
  assert(file !== undefined, "the journal is opened first");
  if (order.order === "read") return file.readAll();
  file.write(order.entries);
  return [];
}
