import { defineConfig } from "vitest/config";

/** Real processes boot, migrate and die in these: far slower than a unit test, still bounded. */
const INTEGRATION_TIMEOUT_MS = 180_000;

const INTEGRATION_FOLDERS = ["test/integration/**", "test/qemu/**"];

/** These bound a time: they get the machine for themselves. */
const TIMED_FILES = ["zero-configuration", "partition", "transport-discovery"].map(
  (name) => `test/integration/${name}.test.ts`,
);

const SLOW = { testTimeout: INTEGRATION_TIMEOUT_MS, hookTimeout: INTEGRATION_TIMEOUT_MS };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: INTEGRATION_FOLDERS,
        },
      },
      {
        test: {
          name: "integration",
          include: INTEGRATION_FOLDERS.map((folder) => `${folder}/*.test.ts`),
          exclude: TIMED_FILES,
          ...SLOW,
        },
      },
      { test: { name: "timed", include: TIMED_FILES, ...SLOW } },
    ],
  },
});
