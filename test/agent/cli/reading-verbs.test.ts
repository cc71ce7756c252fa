import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { apiFixture } from "../../support/api-fixture.ts";
import { runCli } from "../../support/run-cli.ts";
import {
  HOST_A,
  HOST_B,
  HOST_C,
  memberFixture,
  snapshotFixture,
  vmFixture,
} from "../../support/snapshot-fixture.ts";

// History shows local time.
process.env["TZ"] = "UTC";

function lines(...text: readonly string[]): string {
  return text.join("\n");
}

describe("evenkeel status", () => {
  it("shows mode, hosts, alarms, moves, plan and what moved last", async () => {
    const { socketPath } = await apiFixture();
    const { code, out } = await runCli(["--socket", socketPath, "status"]);
    expect(code).toBe(0);
    expect(out).toBe(
      lines(
        "evenkeel on host-a  agent 0.1.0, up 2 h 3 min",
        "on hold: advises only (let the cluster act with: evenkeel act)",
        "3 members (2 alive, 1 suspect)  3 VMs (1 running, 1 suspended, 1 migrating)  spread CPU 0.237, memory 0.000",
        "",
        "HOST    STATE              CPU                                 MEMORY                               VMS  SEEN",
        "host-a  alive              ████████████▒▒▒▒░░░░  60 % -> 78 %  ████████░░░░░░░░░░░░  38 % of 8 GiB    3  here",
        "host-b  alive              ██████▓▓▓▓▓▓░░░░░░░░  60 % -> 30 %  ████████░░░░░░░░░░░░  38 % of 8 GiB    2  1.2 s ago",
        "host-c  suspect, draining  ██████████▓▓░░░░░░░░  60 % -> 50 %  ████████░░░░░░░░░░░░  38 % of 8 GiB    3  6.4 s ago",
        "",
        "Alarms",
        "! in-doubt: db-1 waits for host-c for 42 s",
        "  bring host-c back, or: evenkeel move resolve db-1 --run-here --fenced host-c",
        "",
        "Moves under way here",
        "VM     FROM    TO      PHASE         DONE                  LEFT  SINCE",
        "web-3  host-a  host-b  transferring  63 %  ████████░░░░  48 MiB  4.1 s",
        "",
        "Plan",
        "CPU is 0.78, the mean 0.51",
        "would move web-1 from host-a to host-b (score 0.077)",
        "",
        "Last moves",
        "ENDED                VM     FROM    TO      RESULT   WHY         GAIN   TOOK   DOWN    SENT  DETAIL",
        "2026-01-02 03:02:05  web-2  host-a  host-b  aborted  imbalance  0.080  2.3 s  41 ms  90 MiB",
        "2026-01-02 03:01:05  web-1  host-a  host-b  moved    imbalance  0.080  2.3 s  41 ms  90 MiB",
      ),
    );
  });

  it("has a column for the network once a host tells the speed of its links", async () => {
    const { socketPath, view } = await apiFixture();
    const links = { networkCapacityBytesPerSecond: 250e6, projectedNetworkBytesPerSecond: 50e6 };
    view.current = snapshotFixture({
      members: [memberFixture(HOST_A, "host-a", {}, links), memberFixture(HOST_B, "host-b", {})],
    });
    const { out } = await runCli(["--socket", socketPath, "status"]);
    expect(out).toMatch(/MEMORY +NETWORK {2}VMS/);
    expect(out).toMatch(/host-a .*8 GiB +20 % /);
    expect(out).toMatch(/host-b .*8 GiB +- /);
  });

  it("keeps to ASCII where the locale asks for it, and colours only when wanted", async () => {
    const { socketPath } = await apiFixture();
    const plain = await runCli(["--socket", socketPath, "status"], { unicode: false });
    expect(plain.out).toMatch(/^[\n\x20-\x7e]*$/);
    expect(plain.out).toContain("############++++....");
    const coloured = await runCli(["--socket", socketPath, "status"], { coloured: true });
    expect(coloured.out).toContain("\u001b[33msuspect\u001b[39m");
    expect(stripVTControlCharacters(coloured.out)).toBe(
      (await runCli(["--socket", socketPath, "status"])).out,
    );
  });

  it("says that an agent without a key never acts", async () => {
    const { socketPath, view } = await apiFixture();
    view.current = snapshotFixture({ keyed: false, members: [], vms: [], moves: [], alarms: [] });
    const { out } = await runCli(["--socket", socketPath, "status"]);
    expect(out).toContain("open: no cluster key");
    expect(out).toContain("0 members  0 VMs  spread CPU -, memory -");
  });

  it("stays on one screen with a hundred hosts", async () => {
    const { socketPath, view } = await apiFixture();
    const [first] = snapshotFixture().members;
    if (first === undefined) throw new Error("the fixture has members");
    const members = Array.from({ length: 100 }, (_, index) => ({ ...first, name: `h-${index}` }));
    view.current = snapshotFixture({ members });
    const { out } = await runCli(["--socket", socketPath, "status"]);
    expect(out).toContain("and 60 more: evenkeel members");
    expect(out.split("\n").length).toBeLessThan(70);
  });
});

describe("reading verbs", () => {
  const tables = [
    {
      verb: ["members"],
      text: [
        "NAME    STATE               CPU  MEMORY     OF  VMS  SEEN       ADDRESS                 VERSION  ID",
        "host-a  alive              78 %    38 %  8 GiB    3  here       /ip4/10.0.0.1/tcp/7531  0.1.0    aaaaaaaa",
        "host-b  alive              30 %    38 %  8 GiB    2  1.2 s ago  /ip4/10.0.0.1/tcp/7531  0.1.0    bbbbbbbb",
        "host-c  suspect, draining  50 %    38 %  8 GiB    3  6.4 s ago  /ip4/10.0.0.1/tcp/7531  0.1.0    cccccccc",
      ],
    },
    {
      verb: ["vms"],
      text: [
        "NAME   HOST    STATE                VCPUS   CPU   MEMORY  RULES",
        "web-1  host-a  running                  1  0.10  128 MiB",
        "web-2  host-b  suspended                1     -  128 MiB",
        "web-3  host-a  migrating to host-b      1  0.10  128 MiB",
      ],
    },
    {
      verb: ["plan"],
      text: [
        "on hold: advises only (let the cluster act with: evenkeel act)",
        "CPU is 0.78, the mean 0.51",
        "",
        "Would move now",
        "VM     FROM    TO        GAIN    COST   SCORE  VERDICT",
        "web-1  host-a  host-b  0.0810  0.0040  0.0770  imbalance",
        "",
        "Weighed and not taken",
        "VM     FROM    TO        GAIN    COST   SCORE  VERDICT",
        "web-1  host-a  host-c  0.0500  0.0040  0.0460  host-c is draining",
      ],
    },
    {
      verb: ["history", "--vm", "web-1"],
      text: [
        "ENDED                VM     FROM    TO      RESULT  WHY         GAIN   TOOK   DOWN    SENT  DETAIL",
        "2026-01-02 03:01:05  web-1  host-a  host-b  moved   imbalance  0.080  2.3 s  41 ms  90 MiB",
      ],
    },
    {
      verb: ["moves"],
      text: [
        "VM     FROM    TO      PHASE         DONE                  LEFT  SINCE",
        "web-3  host-a  host-b  transferring  63 %  ████████░░░░  48 MiB  4.1 s",
      ],
    },
  ];

  it.each(tables)("print $verb.0 as a table", async ({ verb, text }) => {
    const { socketPath } = await apiFixture();
    const { code, out, err } = await runCli(["--socket", socketPath, ...verb]);
    expect({ code, err, out }).toEqual({ code: 0, err: "", out: lines(...text) });
  });

  it.each([
    ["members", "members"],
    ["vms", "vms"],
    ["plan", "considered"],
    ["history", "history"],
    ["moves", "moves"],
    ["status", "alarms"],
  ])("print %s as JSON, before or after the verb", async (verb, field) => {
    const { socketPath } = await apiFixture();
    const after = await runCli([verb, "--json", "--socket", socketPath]);
    const before = await runCli(["--json", "--socket", socketPath, verb]);
    expect(before).toEqual(after);
    expect(JSON.parse(after.out)).toHaveProperty(field);
  });

  it("print members and vms as the handles of scripts promise", async () => {
    const { socketPath } = await apiFixture();
    const members = await runCli(["members", "--json", "--socket", socketPath]);
    expect(JSON.parse(members.out)).toMatchObject({
      members: [{ name: "host-a", state: "alive", self: true }, {}, { state: "suspect" }],
    });
    const vms = await runCli(["vms", "--json", "--host", "host-b", "--socket", socketPath]);
    expect(JSON.parse(vms.out)).toMatchObject({
      vms: [{ name: "web-2", host: "host-b", state: "suspended" }],
    });
  });

  it("say so when there is nothing to show", async () => {
    const { socketPath, view } = await apiFixture();
    view.current = snapshotFixture({ vms: [], moves: [], history: [] });
    const run = async (verb: string) => (await runCli(["--socket", socketPath, verb])).out;
    expect(await run("vms")).toContain("no VMs");
    expect(await run("moves")).toContain("no moves under way");
    expect(await run("history")).toBe("no moves yet");
  });

  it("name the rules of a VM and the state of a host that is gone", async () => {
    const { socketPath, view } = await apiFixture();
    const policy = { pin: "host-b", ignore: true, antiAffinityGroup: "db", affinityGroup: "web" };
    const vm = { policy, immovable: "its disk is local", hostState: "dead" as const };
    view.current = snapshotFixture({ vms: [vmFixture("db-1", HOST_B, "host-b", vm)] });
    const { out } = await runCli(["--socket", socketPath, "vms"]);
    expect(out).toContain("host-b (dead)");
    expect(out).toContain(
      "pinned to host-b; ignored; apart from db; together with web; its disk is local",
    );
  });

  it("explain a VM with what it was weighed against", async () => {
    const { socketPath, view } = await apiFixture();
    const { considered } = snapshotFixture();
    const data = { vm: "web-1", host: HOST_A, reason: "no gain", candidates: considered };
    const answer = (history: readonly unknown[]) => () => ({
      status: 200,
      message: "",
      moveId: null,
      data: JSON.stringify({ ...data, history }),
    });
    view.answer = answer([]);
    const { out } = await runCli(["--socket", socketPath, "explain", "web-1"]);
    expect(out).toBe(
      lines(
        "web-1 is on host-a: no gain",
        "",
        "Where it could go",
        "VM     FROM    TO        GAIN    COST   SCORE  VERDICT",
        "web-1  host-a  host-c  0.0500  0.0040  0.0460  host-c is draining",
        "",
        "it has not moved as far as its host remembers",
      ),
    );
    view.answer = answer(snapshotFixture().history);
    const moved = await runCli(["--socket", socketPath, "explain", "web-1"]);
    expect(moved.out).toContain("How it came here");
  });

  it("explain a member of a service with the price of each shift", async () => {
    const { socketPath, view } = await apiFixture();
    const shift = {
      vm: "web-3k2",
      service: "web",
      from: HOST_A,
      gain: 0.05,
      cost: 0.0001,
      cpuCoresMax: 3,
    };
    const candidates = [
      { ...shift, to: HOST_B, score: 0.0499, refusal: null },
      { ...shift, to: HOST_C, score: 0.0499, refusal: "host-c is draining" },
    ];
    const told = { vm: shift.vm, host: HOST_A, service: "web", reason: "hot", history: [] };
    const data = JSON.stringify({ ...told, candidates });
    view.answer = () => ({ status: 200, message: "", moveId: null, data });
    const { out } = await runCli(["--socket", socketPath, "explain", "web-3k2"]);
    expect(out).toBe(
      lines(
        "web-3k2 is on host-a: hot",
        "",
        "Where it could be shifted",
        "VM       FROM    TO        GAIN    COST   SCORE  VERDICT",
        "web-3k2  host-a  host-b  0.0500  0.0001  0.0499  may be shifted",
        "web-3k2  host-a  host-c  0.0500  0.0001  0.0499  host-c is draining",
        "",
        "it is a member of service web, which never migrates",
      ),
    );
    view.current = snapshotFixture({ shifts: candidates });
    const plan = await runCli(["--socket", socketPath, "plan"]);
    expect(plan.out).toContain("Members of services here");
    expect(plan.out).toContain("may be shifted");
  });

  it("let no name of another host steer the terminal", async () => {
    const { socketPath, view } = await apiFixture();
    const [first] = snapshotFixture().members;
    if (first === undefined) throw new Error("the fixture has members");
    view.current = snapshotFixture({ members: [{ ...first, name: "a\u001b[2J\u202eb" }] });
    for (const verb of ["members", "status"]) {
      const { out } = await runCli(["--socket", socketPath, verb]);
      expect(out).toContain("a?[2J?b");
      expect(out).not.toContain("\u001b");
    }
  });
});

describe("evenkeel events", () => {
  it("prints what happens until ^C, and ends with 0", async () => {
    const { socketPath, view } = await apiFixture();
    view.notify("web-1 moved to host-b", { code: "moved" });
    let interrupted: () => void = () => undefined;
    const seen: string[] = [];
    const { code } = await runCli(["--socket", socketPath, "events", "--recent", "1"], {
      onInterrupt: (callback) => {
        interrupted = callback;
        return () => undefined;
      },
      out: (line) => {
        seen.push(line);
        if (seen.length === 1) view.notify("db-1 is in doubt", { code: "in-doubt", level: "warn" });
        else interrupted();
      },
    });
    expect(code).toBe(0);
    expect(seen).toEqual([
      "2026-01-02 03:04:05  moved  web-1 moved to host-b",
      "2026-01-02 03:04:05  in-doubt  db-1 is in doubt",
    ]);
  });

  it("ends by itself when the agent does, one JSON object a line", async () => {
    const { socketPath, view, api } = await apiFixture();
    view.notify("one");
    const { code, out } = await runCli(
      ["--socket", socketPath, "events", "--recent", "1", "--json"],
      { out: () => void api.stop() },
    );
    expect({ code, out }).toEqual({ code: 0, out: "" });
  });
});
