import { plainDoor } from "#agent/ports/channel.ts";
import type { Hypervisor } from "#agent/ports/hypervisor.ts";

/** A hypervisor with no guests; a test replaces the calls that it is about. */
export function stubHypervisor(calls: Partial<Hypervisor> = {}): Hypervisor {
  const nothing = async () => undefined;
  return {
    start: nothing,
    stop: nothing,
    facts: () => ({
      kind: "sim",
      version: "1.0",
      accelerator: "none",
      liveMigrationRefusal: null,
      architecture: "x86_64",
    }),
    list: async () => [],
    watch: () => () => undefined,
    usage: async () => [],
    startVm: nothing,
    stopVm: nothing,
    suspendVm: async () => ({ imageBytes: 1 }),
    resumeVm: nothing,
    forgetVm: nothing,
    offer: () => Promise.reject(new Error("not offered here")),
    admit: async () => ({ refusal: null }),
    prepareIncoming: async () => ({ socketPath: "/run/in.sock" }),
    outgoingDoor: () => plainDoor,
    awaitIncoming: nothing,
    migrateOut: async () => ({ end: "sent", transferredBytes: 7, pausedForMs: 3 }),
    cancelMigration: nothing,
    runIncoming: nothing,
    takeBack: nothing,
    discard: nothing,
    moveVerdict: async () => "open",
    ...calls,
  };
}
