import { describe, expect, it } from "vitest";
import { exitCodeOf } from "#agent/os/exit-codes.ts";
import { keepKeyed, wasKeyed } from "#agent/store/keyed-mark.ts";
import { ClusterKeyError } from "#agent/store/store-error.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const keyFile = "/etc/evenkeel/cluster.key";

describe("keepKeyed()", () => {
  it("lets a host run in the open that never had a key", () => {
    const folder = temporaryFolder();
    keepKeyed(folder, { keyed: false, keyFile });
    expect(wasKeyed(folder)).toBe(false);
  });

  it("never goes back to the open once there was a key", () => {
    const folder = temporaryFolder();
    keepKeyed(folder, { keyed: true, keyFile });
    keepKeyed(folder, { keyed: true, keyFile });
    expect(wasKeyed(folder)).toBe(true);
    expect(() => keepKeyed(folder, { keyed: false, keyFile })).toThrow(ClusterKeyError);
    expect(() => keepKeyed(folder, { keyed: false, keyFile })).toThrow(
      /had one before: put the key/,
    );
  });

  it("ends the daemon with exit code 78", () => {
    const folder = temporaryFolder();
    keepKeyed(folder, { keyed: true, keyFile });
    let thrown: unknown;
    try {
      keepKeyed(folder, { keyed: false, keyFile });
    } catch (error) {
      thrown = error;
    }
    expect(exitCodeOf(thrown)).toBe(78);
  });
});
