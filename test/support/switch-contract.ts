/**
 * The one suite that every switch passes: HAProxy and its twin in memory.
 *
 * A rig gives it a switch with two backends, members that a request can reach, and a client. The
 * suite changes the switch through the port alone and then asks who gets the requests.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Switch } from "#agent/ports/switch.ts";
import type { SwitchCommand, SwitchServer } from "#lib/model/switch.ts";
import { eventually } from "./eventually.ts";

/** A request that a server has and has not answered yet. */
export interface HeldRequest {
  readonly server: string;
  /** The server answers; resolves when the client has the answer. */
  finish(): Promise<void>;
}

export interface SwitchRig {
  readonly switch: Switch;
  /** Takes servers at run time and has none of its own. */
  readonly backend: string;
  /** Takes none; null where there is no such thing. */
  readonly staticBackend: string;
  /** Something that serves requests under the name of this server, at an address of its own. */
  endpoint(server: string): Promise<{ address: string; port: number }>;
  /** Sends a request into `backend`; null when no server took it. */
  send(): Promise<HeldRequest | null>;
  /** The switch ends, and begins anew without what it was told. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const ASKED_FOR_SHARES = 60;

/** Declares the suite for one switch. `makeRig` is called once. */
export function switchContract(name: string, makeRig: () => Promise<SwitchRig>): void {
  describe(`${name} keeps the switch contract:`, () => {
    const { signal } = new AbortController();
    const held: HeldRequest[] = [];
    let rig: SwitchRig;

    beforeAll(async () => {
      rig = await makeRig();
    });
    afterEach(async () => {
      for (const request of held.splice(0)) await request.finish();
      await eventually("all servers are gone", async () => {
        for (const { name: server } of await seen()) {
          await act(server, "maint");
          await act(server, "remove").catch(() => {});
        }
        return (await seen()).length === 0;
      });
    });
    afterAll(async () => {
      await rig?.close();
    });

    async function seen(): Promise<readonly SwitchServer[]> {
      const [view] = await rig.switch.observe([rig.backend], signal);
      return view?.servers ?? [];
    }

    async function serverOf(server: string): Promise<SwitchServer | undefined> {
      return (await seen()).find((other) => other.name === server);
    }

    function perform(command: SwitchCommand): Promise<void> {
      return rig.switch.perform(command, signal);
    }

    function act(server: string, word: "ready" | "drain" | "maint" | "remove"): Promise<void> {
      return perform({ backend: rig.backend, server, act: word });
    }

    async function add(
      server: string,
      weight = 100,
      connectionsMax: number | null = null,
    ): Promise<void> {
      const place = { ...(await rig.endpoint(server)), weight, connectionsMax };
      await perform({ backend: rig.backend, server, act: "add", ...place });
    }

    async function added(server: string, weight?: number, connectionsMax?: number): Promise<void> {
      await add(server, weight, connectionsMax);
      await act(server, "ready");
    }

    const queuedIs = (count: number) =>
      eventually(`${count} requests wait`, async () => {
        const [view] = await rig.switch.observe([rig.backend], signal);
        return view?.queued === count;
      });

    async function hold(): Promise<HeldRequest> {
      const request = await rig.send();
      if (request === null) throw new Error("no server took the request");
      held.push(request);
      return request;
    }

    /** Who answers `count` requests, one after the other. */
    async function answers(count: number): Promise<Map<string | null, number>> {
      const counts = new Map<string | null, number>();
      for (let index = 0; index < count; index += 1) {
        const request = await rig.send();
        await request?.finish();
        const server = request?.server ?? null;
        counts.set(server, (counts.get(server) ?? 0) + 1);
      }
      return counts;
    }

    async function faultOf(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
      const error = await promise.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      const { code = "no error", message = "" } = (error ?? {}) as Record<string, string>;
      return { code, message };
    }

    async function codeOf(promise: Promise<unknown>): Promise<string> {
      return (await faultOf(promise)).code;
    }

    const sessionsOf = (server: string, count: number) =>
      eventually(`${server} has ${count} sessions`, async () => {
        return (await serverOf(server))?.sessions === count;
      });

    it("observe() shows an empty backend, and one that is missing, in the order asked", async () => {
      const empty = { queued: 0, servers: [] };
      expect(await rig.switch.observe([rig.backend, "nowhere"], signal)).toEqual([
        { backend: rig.backend, exists: true, ...empty },
        { backend: "nowhere", exists: false, ...empty },
      ]);
      const [nowhere] = await rig.switch.observe(["nowhere"], signal);
      expect(nowhere?.exists).toBe(false);
      expect(await rig.switch.observe([], signal)).toEqual([]);
    });

    it("add puts a server there in maint, with its address and weight, and no requests", async () => {
      const endpoint = await rig.endpoint("evenkeel-a");
      await add("evenkeel-a", 30);
      expect(await seen()).toEqual([
        {
          name: "evenkeel-a",
          ...endpoint,
          state: "maint",
          weight: 30,
          connectionsMax: null,
          sessions: 0,
          queued: 0,
        },
      ]);
      expect(await answers(2)).toEqual(new Map([[null, 2]]));
    });

    it("ready lets requests flow, and maint ends that", async () => {
      await added("evenkeel-a");
      expect((await serverOf("evenkeel-a"))?.state).toBe("ready");
      expect(await answers(3)).toEqual(new Map([["evenkeel-a", 3]]));
      await act("evenkeel-a", "maint");
      expect((await serverOf("evenkeel-a"))?.state).toBe("maint");
      expect(await answers(2)).toEqual(new Map([[null, 2]]));
      await act("evenkeel-a", "ready");
      expect(await answers(1)).toEqual(new Map([["evenkeel-a", 1]]));
    });

    it("drain lets a request under way finish and gives the server no other", async () => {
      await added("evenkeel-a");
      const request = await hold();
      expect(request.server).toBe("evenkeel-a");
      await sessionsOf("evenkeel-a", 1);
      await added("evenkeel-b");
      await act("evenkeel-a", "drain");
      expect((await serverOf("evenkeel-a"))?.state).toBe("drain");
      expect(await answers(4)).toEqual(new Map([["evenkeel-b", 4]]));
      await sessionsOf("evenkeel-a", 1);
      held.splice(0);
      await request.finish();
      await sessionsOf("evenkeel-a", 0);
      await act("evenkeel-a", "ready");
      expect((await answers(4)).get("evenkeel-a")).toBeGreaterThan(0);
    });

    it("weight shifts the share of the requests", async () => {
      await added("evenkeel-a", 100);
      await added("evenkeel-b", 100);
      const even = await answers(ASKED_FOR_SHARES);
      expect(even.get("evenkeel-a")).toBeGreaterThanOrEqual(ASKED_FOR_SHARES * 0.4);
      expect(even.get("evenkeel-b")).toBeGreaterThanOrEqual(ASKED_FOR_SHARES * 0.4);
      await perform({ backend: rig.backend, server: "evenkeel-b", act: "weight", weight: 20 });
      expect((await serverOf("evenkeel-b"))?.weight).toBe(20);
      const shifted = await answers(ASKED_FOR_SHARES);
      expect(shifted.get("evenkeel-a")).toBeGreaterThanOrEqual(ASKED_FOR_SHARES * 0.75);
      expect(shifted.get("evenkeel-b")).toBeGreaterThan(0);
    });

    it("a limit of connections makes requests wait, and more room lets them through", async () => {
      await added("evenkeel-a", 100, 1);
      expect(await serverOf("evenkeel-a")).toMatchObject({ connectionsMax: 1 });
      const first = await hold();
      const second = hold();
      await queuedIs(1);
      expect(await serverOf("evenkeel-a")).toMatchObject({ sessions: 1, queued: 0 });
      const at = { backend: rig.backend, server: "evenkeel-a", act: "connections" } as const;
      await perform({ ...at, connectionsMax: 2 });
      expect((await second).server).toBe("evenkeel-a");
      await queuedIs(0);
      const third = hold();
      await queuedIs(1);
      await first.finish();
      await third;
      const fourth = hold();
      await queuedIs(1);
      await perform({ ...at, connectionsMax: null });
      await fourth;
      expect(await serverOf("evenkeel-a")).toMatchObject({ connectionsMax: null, sessions: 3 });
    });

    it("requests that wait go to a server as soon as it is ready", async () => {
      await added("evenkeel-a", 100, 1);
      await hold();
      const waiting = [hold(), hold(), hold()];
      await queuedIs(3);
      await add("evenkeel-b", 100, 2);
      await queuedIs(3);
      await act("evenkeel-b", "ready");
      const taken = await Promise.all([Promise.race(waiting), queuedIs(1)]);
      expect(taken[0].server).toBe("evenkeel-b");
      // Whoever is left without room waits on, and is taken by the next.
      await act("evenkeel-a", "drain");
      await added("evenkeel-c", 100, 1);
      const servers = (await Promise.all(waiting)).map(({ server }) => server).sort();
      expect(servers).toEqual(["evenkeel-b", "evenkeel-b", "evenkeel-c"]);
    });

    it("address leads the requests elsewhere, and may be repeated", async () => {
      const endpoint = await rig.endpoint("evenkeel-b");
      await add("evenkeel-a");
      for (let time = 0; time < 2; time += 1) {
        await perform({ backend: rig.backend, server: "evenkeel-a", act: "address", ...endpoint });
      }
      expect(await serverOf("evenkeel-a")).toMatchObject({ ...endpoint, state: "maint" });
    });

    it("remove takes a server away that is in maint and has no request under way", async () => {
      await added("evenkeel-a");
      expect(await codeOf(act("evenkeel-a", "remove"))).toBe("SERVER_STATE");
      const request = await hold();
      await act("evenkeel-a", "maint");
      await sessionsOf("evenkeel-a", 1);
      expect(await codeOf(act("evenkeel-a", "remove"))).toBe("SERVER_BUSY");
      held.splice(0);
      await request.finish();
      await eventually("it may be removed", async () => {
        return (await codeOf(act("evenkeel-a", "remove"))) === "no error";
      });
      expect(await seen()).toEqual([]);
    });

    it("a server can be removed and added anew right after it has answered", async () => {
      for (let time = 0; time < 3; time += 1) {
        await added("evenkeel-a");
        expect(await answers(2)).toEqual(new Map([["evenkeel-a", 2]]));
        await act("evenkeel-a", "maint");
        await eventually("it may be removed", async () => {
          return (await codeOf(act("evenkeel-a", "remove"))) === "no error";
        });
      }
    });

    it("ownBackends() names the backends that have servers of ours", async () => {
      expect(await rig.switch.ownBackends(signal)).toEqual([]);
      await add("evenkeel-a");
      expect(await rig.switch.ownBackends(signal)).toEqual([rig.backend]);
      expect(await codeOf(rig.switch.ownBackends(AbortSignal.abort()))).toBe("ABORTED");
    });

    it("states may be repeated", async () => {
      await add("evenkeel-a");
      for (const state of ["ready", "ready", "drain", "drain", "maint", "maint"] as const) {
        await act("evenkeel-a", state);
        expect((await serverOf("evenkeel-a"))?.state).toBe(state);
      }
      await act("evenkeel-a", "drain");
      expect((await serverOf("evenkeel-a"))?.state).toBe("drain");
    });

    it("refuses what cannot be, naming the switch and the server", async () => {
      const at = { backend: rig.backend, server: "evenkeel-a" };
      const place = { address: "192.0.2.7", port: 80 };
      const added = { ...place, connectionsMax: null };
      const limit = { ...at, act: "connections", connectionsMax: 3 } as const;
      expect(await codeOf(perform(limit))).toBe("SERVER_ABSENT");
      for (const word of ["ready", "drain", "maint", "remove"] as const) {
        expect(await codeOf(act("evenkeel-a", word))).toBe("SERVER_ABSENT");
      }
      expect(await codeOf(perform({ ...at, act: "weight", weight: 3 }))).toBe("SERVER_ABSENT");
      expect(await codeOf(perform({ ...at, act: "address", ...place }))).toBe("SERVER_ABSENT");
      const nowhere = { ...at, backend: "nowhere", act: "add", weight: 1, ...added } as const;
      expect(await codeOf(perform(nowhere))).toBe("BACKEND_ABSENT");
      const fixed = { ...nowhere, backend: rig.staticBackend };
      expect(await codeOf(perform(fixed))).toBe("BACKEND_STATIC");
      await add("evenkeel-a");
      const again = await faultOf(add("evenkeel-a"));
      expect(again.code).toBe("SERVER_EXISTS");
      expect(again.message).toContain(rig.switch.place);
      expect(again.message).toContain("evenkeel-a");
      expect(again.message).not.toContain("\n");
    });

    it("never sends what could be read as another command", async () => {
      await add("evenkeel-a");
      const names = ["a b", "a;show info", "a\nshow info", "", "../a", "A", "a/b", "x".repeat(129)];
      for (const server of names) expect(await codeOf(act(server, "maint"))).toBe("BAD_COMMAND");
      const at = { backend: rig.backend, server: "evenkeel-a" };
      for (const backend of ["a;b", "a b", "\n", "", "1", "-1", "#3"]) {
        expect(await codeOf(perform({ ...at, backend, act: "maint" }))).toBe("BAD_COMMAND");
        expect(await codeOf(rig.switch.observe([backend], signal))).toBe("BAD_COMMAND");
      }
    });

    it("never sends a figure or an address that is none", async () => {
      await add("evenkeel-a");
      const at = { backend: rig.backend, server: "evenkeel-a" };
      const bad: SwitchCommand[] = [
        ...["web.example", "1.2.3.4;", "1.2.3", "::1%lo", ""].map((address) => {
          return { ...at, act: "address", address, port: 80 } as const;
        }),
        ...[0, 65_536, 1.5, Number.NaN].map((port) => {
          return { ...at, act: "address", address: "192.0.2.1", port } as const;
        }),
        ...[-1, 257, 0.5, Number.NaN].map((weight) => ({ ...at, act: "weight", weight }) as const),
        ...[-1, 0, 0.5, 100_001, Number.NaN].map((connectionsMax) => {
          return { ...at, act: "connections", connectionsMax } as const;
        }),
      ];
      for (const command of bad) expect(await codeOf(perform(command))).toBe("BAD_COMMAND");
      expect(await serverOf("evenkeel-a")).toMatchObject({ state: "maint", weight: 100 });
    });

    it("stops when it is told to", async () => {
      const gone = AbortSignal.abort();
      expect(await codeOf(rig.switch.observe([rig.backend], gone))).toBe("ABORTED");
      const command = { backend: rig.backend, server: "evenkeel-a", act: "maint" } as const;
      expect(await codeOf(rig.switch.perform(command, gone))).toBe("ABORTED");
    });

    it("shows no servers after it was restarted, and takes them anew", async () => {
      await added("evenkeel-a");
      await rig.restart();
      await eventually("it answers without a server", async () => (await seen()).length === 0);
      await added("evenkeel-a");
      expect(await answers(1)).toEqual(new Map([["evenkeel-a", 1]]));
    });
  });
}
