/**
 * One thread of a hunt.
 *
 * Responsible for: running the shares of seeds that it is sent, and answering each with its totals.
 * How: one message in, one message out, for as long as the main thread lets it live.
 * Never prints anything, and never decides which seeds come next.
 */
import { parentPort } from "node:worker_threads";
import { huntSeeds, type Seeds } from "./hunt-seeds.ts";

parentPort?.on("message", (seeds: Seeds) => parentPort?.postMessage(huntSeeds(seeds)));
