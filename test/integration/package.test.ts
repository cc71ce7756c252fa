import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Finding } from "#agent/cli/doctor/finding.ts";
import { formatClusterKey, generateClusterKey } from "#agent/store/cluster-key.ts";
import { eventually } from "../support/eventually.ts";
import { hasProgram } from "../support/has-program.ts";
import { buildPackage, InstalledMachine } from "../support/installed-machine.ts";
import { labGuest } from "../support/lab-guest.ts";
import { libvirtMissing } from "../support/libvirt-host.ts";
import { systemdMachineObjection } from "../support/systemd-machine.ts";

const UNIT = "evenkeel.service";
const PEER = "evenkeel-peer.service";
const GUEST_UNIT = "evenkeel-guest-web-1.service";
const KEY = "/etc/evenkeel/cluster.key";
const PEER_KEY = "/etc/evenkeel-peer.key";
/** An admin's own: no purge takes them. */
const IMAGES = "/var/lib/evenkeel-images";
const FIRST = "0.1.0";
const NEXT = "0.1.1~test";
const FIRST_DEB = `evenkeel_${FIRST}_amd64.deb`;
const NEXT_DEB = `evenkeel_${NEXT}_amd64.deb`;

const ANSWER_MS_MAX = 5_000;
const INSTALLED_MB_MAX = 130;
/** The goal is 100, and 97 to 99 are measured; a busy machine may take its time to give pages back. */
const RSS_MB_MAX = 110;
/** A list of a whole system that is shorter was cut off. */
const PATHS_MIN = 10_000;
/** Upgrade and restart included; what is asserted is generous, what was measured is printed. */
const REJOIN_MS_MAX = 15_000;

/** The unit's own times are for real life. */
const IMPATIENT = "[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n";

const GUEST = `
name: web-1
vcpus: 1
memory: 96MiB
machine: microvm
kernel: {path: ${IMAGES}/vmlinux, initrd: ${IMAGES}/initrd, cmdline: console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable}
`;

/** The second host: a network namespace of the machine, with an agent of the other version in it. */
const PEER_NETWORK = `
ip netns add peer
ip link add here type veth peer name there netns peer
ip addr add 10.9.0.1/24 dev here && ip link set here up && ip route add default dev here
ip -n peer addr add 10.9.0.2/24 dev there && ip -n peer link set there up
ip -n peer link set lo up && ip -n peer route add default dev there
`;
/** Connections that are there go on: only the direct way for a move is gone. */
const PEER_FIREWALL = `
ip netns exec peer nft -f - <<'RULES'
table inet shut {
  chain input {
    type filter hook input priority 0
    tcp dport 7531 tcp flags & (syn | ack) == syn reject
  }
}
RULES
`;
const PEER_UNIT = `
[Service]
Type=notify
NotifyAccess=all
ExecStart=/opt/peer/usr/lib/evenkeel/node /opt/peer/usr/lib/evenkeel/agent.mjs --config /etc/evenkeel-peer.yaml
NetworkNamespacePath=/run/netns/peer
RuntimeDirectory=evenkeel-peer
StateDirectory=evenkeel-peer
StateDirectoryMode=0700
`;
const PEER_CONFIG = `
name: peer
stateDirectory: /var/lib/evenkeel-peer
socket: /run/evenkeel-peer/evenkeel.sock
keyFile: ${PEER_KEY}
hypervisor: {driver: sim}
`;

/** libvirt's daemon as its own package sets it up: for the group libvirt, its QEMU a user by itself. */
const DAEMON = "evenkeel-test-libvirtd.service";
const DAEMON_UNIT = `
[Service]
Type=notify
ExecStart=/usr/sbin/libvirtd --config /etc/evenkeel-test-libvirtd.conf
KillMode=process
`;
const DAEMON_CONFIG = `
auth_unix_rw = "none"
unix_sock_group = "libvirt"
unix_sock_rw_perms = "0770"
`;
const DAEMON_USERS = `
getent group libvirt || groupadd --system libvirt
getent passwd libvirt-qemu || useradd --system --user-group --no-create-home libvirt-qemu
`;
/** As README and the file itself say it. */
const OWN_USER = `
usermod -aG libvirt,libvirt-qemu evenkeel
echo 'hypervisor: {driver: libvirt}' >/etc/evenkeel/evenkeel.yaml
mkdir -p /etc/systemd/system/${UNIT}.d
ln -s /usr/share/evenkeel/own-user.conf /etc/systemd/system/${UNIT}.d/
systemctl daemon-reload
systemctl restart ${UNIT}
`;
const ROOT_AGAIN = `
rm /etc/systemd/system/${UNIT}.d/own-user.conf /etc/evenkeel/evenkeel.yaml
systemctl daemon-reload
systemctl restart ${UNIT}
`;

const key = formatClusterKey(generateClusterKey());
const noLibvirt = libvirtMissing();
const objection = systemdMachineObjection() ?? (hasProgram("dpkg-deb") ? null : "needs dpkg");

let folder: string;
let machine: InstalledMachine;
let before: readonly string[];

let guestPid: string;

interface Seen {
  readonly name?: string;
  readonly self?: boolean;
  readonly state?: string;
  readonly agentVersion?: string;
}

/** How the peer sees the installed host. */
function seenByPeer(): Seen {
  const words = ["--socket", "/run/evenkeel-peer/evenkeel.sock", "members", "--json"];
  const output = machine.run(
    "/opt/peer/usr/lib/evenkeel/node",
    "/opt/peer/usr/lib/evenkeel/cli.mjs",
    ...words,
  );
  const { members } = JSON.parse(output);
  return members.find(({ self }: Seen) => !self) ?? {};
}

const untilPeerSees = (state: string, version: string) =>
  eventually(`the peer sees it ${state}, ${version}`, async () => {
    const seen = seenByPeer();
    return seen.state === state && seen.agentVersion === version;
  });

describe.skipIf(objection !== null)("the package under a real systemd", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "ek-package-"));
    machine = new InstalledMachine();
    for (const version of [FIRST, NEXT]) {
      const deb = buildPackage(folder, version);
      machine.copy(deb, `/root/${basename(deb)}`);
    }
    const { kernel, initrd } = labGuest();
    machine.copy(kernel, `${IMAGES}/vmlinux`);
    machine.copy(initrd, `${IMAGES}/initrd`);
    machine.put(`/etc/systemd/system/${UNIT}.d/impatient.conf`, IMPATIENT);
    machine.put("/root/web-1.yaml", GUEST);
    machine.put("/etc/hostname", "evenkeel-test\n");
    machine.put(`/etc/systemd/system/${PEER}`, PEER_UNIT);
    machine.put("/etc/evenkeel-peer.yaml", PEER_CONFIG);
    machine.put(PEER_KEY, key, 0o600);
    machine.put(`/etc/systemd/system/${DAEMON}`, DAEMON_UNIT);
    machine.put("/etc/evenkeel-test-libvirtd.conf", DAEMON_CONFIG);
    await machine.boot();
    machine.sh(DAEMON_USERS);
    // What it makes at its first start is no trace of ours.
    if (noLibvirt === null) machine.run("systemctl", "start", DAEMON);
    machine.sh(`dpkg-deb -x /root/${NEXT_DEB} /opt/peer`);
    machine.sh(PEER_NETWORK);
    before = machine.traces();
  });

  afterAll(async () => {
    await machine?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is the same byte by byte when it is built again, and all of it is root's", () => {
    const digest = (deb: string) => createHash("sha256").update(readFileSync(deb)).digest("hex");
    const again = buildPackage(join(folder, "again"), FIRST);
    expect(digest(again)).toBe(digest(join(folder, FIRST_DEB)));
    const list = execFileSync("dpkg-deb", ["-c", again], { encoding: "utf8" }).trim().split("\n");
    const strangers = list.filter(
      (line) => !/^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--) root\/root /.test(line),
    );
    expect(strangers).toEqual([]);
  });

  it("installs without network, waits for the key, and says so in a line", () => {
    const output = machine.run(
      "apt-get",
      "install",
      "-y",
      "--no-install-recommends",
      `/root/${FIRST_DEB}`,
    );
    expect(output).toContain(
      `evenkeel: put the cluster's key at ${KEY} and the agent starts, on hold`,
    );
    expect(machine.run("systemctl", "is-enabled", UNIT)).toBe("enabled");
    expect(machine.property(UNIT, "ActiveState")).toBe("inactive");
    const megabytes =
      (Number(/^Installed-Size: (\d+)/m.exec(machine.run("dpkg", "-s", "evenkeel"))?.[1]) * 1024) /
      1e6;
    console.log(`package: installed ${megabytes.toFixed(0)} MB`);
    expect(megabytes).toBeLessThanOrEqual(INSTALLED_MB_MAX);
  });

  it("joins once the key is put in place, though with a careless mode, and is on hold", async () => {
    // As over a slow line: the file is there long before it is whole.
    const slowly = `head -c 20 ${PEER_KEY}; sleep 1; tail -c +21 ${PEER_KEY}`;
    machine.sh(`umask 022; { ${slowly}; } >${KEY}`);
    await machine.untilActive(UNIT);
    expect(machine.sh(`stat -c %a ${KEY}`)).toBe("600");
    expect(JSON.parse(machine.evenkeel("status", "--json"))).toMatchObject({
      mode: "hold",
      name: "evenkeel-test",
    });
    expect(machine.evenkeel("version")).toContain(FIRST);
  });

  it("answers within five seconds of a start", async () => {
    machine.run("systemctl", "stop", UNIT);
    const startMs = performance.now();
    machine.run("systemctl", "start", UNIT);
    const answers = async () => machine.evenkeel("status").includes("evenkeel-test");
    await eventually("status answers", answers, { limitMs: ANSWER_MS_MAX });
    const tookMs = performance.now() - startMs;
    console.log(`package: status answers ${Math.round(tookMs)} ms after systemctl start`);
    expect(tookMs).toBeLessThan(ANSWER_MS_MAX);
  });

  it("joins an agent of another version with nothing configured", async () => {
    machine.run("systemctl", "start", PEER);
    await machine.untilActive(PEER);
    console.log(`package: seen by its peer after ${await untilPeerSees("alive", FIRST)} ms`);
    const { members } = JSON.parse(machine.evenkeel("members", "--json"));
    const versions = members.map(
      (member: Seen) => `${member.name} ${member.agentVersion} ${member.state}`,
    );
    expect(versions.sort()).toEqual([`evenkeel-test ${FIRST} alive`, `peer ${NEXT} alive`]);
  });

  it("takes little memory when idle", () => {
    const pid = machine.property(UNIT, "MainPID");
    const megabytes =
      (Number(machine.sh(`awk '/^VmRSS/ { print $2 }' /proc/${pid}/status`)) * 1024) / 1e6;
    console.log(`package: the agent has ${megabytes.toFixed(0)} MB resident`);
    expect(megabytes).toBeLessThan(RSS_MB_MAX);
  });

  it("is well in the doctor's eyes, until the peer lets nobody in", async () => {
    const findings = () => {
      const { checks }: { checks: readonly Finding[] } = JSON.parse(
        machine.evenkeel("doctor", "--json"),
      );
      const told = checks.map(({ check, level }) => `${check} ${level}`);
      return { told, failures: checks.filter(({ level }) => level === "fail") };
    };
    // A host that it heard of a moment ago may not have told its address yet.
    await eventually("it reaches its peer", async () => findings().told.includes("peers ok"));
    expect(findings().failures).toEqual([]);
    expect(machine.sh(PEER_FIREWALL)).toBe("");
    const cut = findings();
    machine.sh("ip netns exec peer nft delete table inet shut");
    expect(cut.failures.map(({ check }) => check)).toEqual(["peers"]);
    expect(cut.failures[0]?.remedy).toContain("open TCP 7531");
  });

  it.skipIf(noLibvirt !== null)(
    "runs as its own user with libvirt, and as root again",
    async () => {
      const owner = () => machine.sh("stat -c %U /var/lib/evenkeel /var/lib/evenkeel/journal.db");
      const status = () => {
        const pid = machine.property(UNIT, "MainPID");
        return machine.sh(`grep -E '^(Uid|CapBnd):' /proc/${pid}/status`);
      };
      expect(owner()).toBe("root\nroot");
      expect(machine.sh(OWN_USER)).toBe("");
      await machine.untilActive(UNIT);
      expect(status()).toMatch(/^Uid:\t(?!0\t).*\nCapBnd:\t0+$/);
      expect(owner()).toBe("evenkeel\nevenkeel");
      expect(JSON.parse(machine.evenkeel("status", "--json"))).toMatchObject({
        name: "evenkeel-test",
      });
      // As any other package's installation may do at any time.
      machine.run("systemd-tmpfiles", "--create", "evenkeel.conf");
      expect(owner()).toBe("evenkeel\nevenkeel");
      await untilPeerSees("alive", FIRST);
      const { checks } = JSON.parse(machine.evenkeel("doctor", "--json"));
      const told = checks.map(({ check, level }: Finding) => `${check} ${level}`);
      expect(told).toEqual(expect.arrayContaining(["user ok", "libvirt ok", "state ok", "key ok"]));
      // The unit of the machine's shutdown has no more rights than this.
      const guests = "systemd-run --quiet --pipe --wait -p CapabilityBoundingSet=CAP_DAC_OVERRIDE";
      expect(machine.sh(`${guests} /usr/bin/evenkeel guests down`)).toBe("");
      machine.evenkeel("undrain", "evenkeel-test");
      expect(machine.sh(ROOT_AGAIN)).toBe("");
      await machine.untilActive(UNIT);
      expect(status()).toMatch(/^Uid:\t0\t/);
      expect(owner()).toBe("root\nroot");
      await untilPeerSees("alive", FIRST);
    },
  );

  it("is upgraded under a running guest, and is back with its peer in seconds", async () => {
    const said = [
      machine.evenkeel("vm", "define", "/root/web-1.yaml"),
      machine.evenkeel("vm", "start", "web-1"),
    ];
    await eventually(`the guest runs (${said.join("; ")})`, async () => {
      return machine.property(GUEST_UNIT, "ActiveState") === "active";
    });
    guestPid = machine.property(GUEST_UNIT, "MainPID");
    const startMs = performance.now();
    machine.run("dpkg", "-i", `/root/${NEXT_DEB}`);
    const installedMs = performance.now();
    await untilPeerSees("alive", NEXT);
    const spans = [installedMs - startMs, performance.now() - installedMs];
    console.log(
      `package: upgraded in ${Math.round(spans[0] ?? 0)} ms, seen by its peer ${Math.round(spans[1] ?? 0)} ms later`,
    );
    expect(spans[1]).toBeLessThan(REJOIN_MS_MAX);
    await untilGuestIsKnown();
    expect(machine.property(GUEST_UNIT, "MainPID")).toBe(guestPid);
  });

  it("is killed and started again when it hangs", async () => {
    const restarts = Number(machine.property(UNIT, "NRestarts"));
    machine.run("kill", "-STOP", machine.property(UNIT, "MainPID"));
    await eventually("the watchdog bit", async () => {
      return Number(machine.property(UNIT, "NRestarts")) === restarts + 1;
    });
    await machine.untilActive(UNIT);
    await untilGuestIsKnown();
    expect(machine.property(GUEST_UNIT, "MainPID")).toBe(guestPid);
    await untilPeerSees("alive", NEXT);
  });

  it("is awaited while it restarts, and leaves when it is stopped", async () => {
    const before = peerSays().length;
    machine.run("systemctl", "restart", UNIT);
    await untilPeerSees("alive", NEXT);
    const said = peerSays().slice(before);
    expect(said).toContain("evenkeel-test is suspect: it announced a restart");
    expect(said).not.toMatch(/is (left|dead)/);
    machine.run("systemctl", "stop", UNIT);
    await untilPeerSees("left", NEXT);
    expect(machine.property(GUEST_UNIT, "MainPID")).toBe(guestPid);
    machine.run("systemctl", "start", UNIT);
    await untilPeerSees("alive", NEXT);
  });

  it("leaves guests alone when it is removed, and nothing behind when it is purged", async () => {
    expect(machine.run("dpkg", "--remove", "evenkeel")).toContain(
      "1 guests run on without the agent",
    );
    expect(machine.property(GUEST_UNIT, "MainPID")).toBe(guestPid);
    await untilPeerSees("left", NEXT);
    expect(machine.run("dpkg", "--purge", "evenkeel")).toContain("evenkeel: guests still run");
    expect(machine.property(GUEST_UNIT, "MainPID")).toBe(guestPid);
    machine.run("systemctl", "stop", GUEST_UNIT);
    machine.sh(`ln -s /usr/share/evenkeel/own-user.conf /etc/systemd/system/${UNIT}.d/`);
    const said = machine.run("dpkg", "--purge", "evenkeel");
    expect(said).toContain(`${IMAGES} holds images of yours and stays`);
    machine.run("systemctl", "stop", PEER);
    machine.sh("rm -r /var/lib/evenkeel-peer");
    const after = machine.traces();
    expect(after.length).toBeGreaterThan(PATHS_MIN);
    expect(difference(before, after)).toEqual({ gone: [], left: [] });
  });
});

function difference(before: readonly string[], after: readonly string[]) {
  const [was, is] = [new Set(before), new Set(after)];
  return { gone: before.filter((one) => !is.has(one)), left: after.filter((one) => !was.has(one)) };
}

async function untilGuestIsKnown(): Promise<void> {
  await eventually("the agent has its guest", async () => {
    const { vms } = JSON.parse(machine.evenkeel("vms", "--json"));
    return vms[0]?.name === "web-1" && vms[0].state === "running";
  });
}

/** The states of the other host that the peer has told in its log. */
const peerSays = () => machine.run("journalctl", "--unit", PEER, "--no-pager", "--output=cat");
