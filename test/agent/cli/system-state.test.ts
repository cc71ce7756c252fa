import { expect, it } from "vitest";
import { systemState } from "#agent/cli/system-state.ts";

it("systemState is one word of systemd's, or null where there is none", () => {
  expect(systemState() ?? "running").toMatch(/^[a-z]+$/);
});
