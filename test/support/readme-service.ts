import { readFileSync } from "node:fs";

/** The service that the README shows: what it says must work. */
export function readmeService(): string {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const blocks = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  const service = blocks.find((block) => /^template:/m.test(block));
  if (service === undefined) throw new Error("the README shows no service");
  return service;
}
