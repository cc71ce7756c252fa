import fc from "fast-check";
import type { HostSummary } from "#lib/model/host.ts";
import { moveIdOf } from "#lib/model/ids.ts";
import type { VmLoad } from "#lib/model/load.ts";
import type { MemberNews, SwitchNews } from "#lib/model/member-news.ts";
import type { MoveOutcome } from "#lib/model/move-outcome.ts";
import type { ClusterDocument, HostRecord } from "#lib/model/record.ts";
import type { Verb, VerbResult } from "#lib/model/verb.ts";
import type { Verdict } from "#lib/model/verdict.ts";
import type { VmEntry, VmState } from "#lib/model/vm.ts";
import type { VmNetwork, VmSpec } from "#lib/model/vm-spec.ts";
import type { DigestEntry, Message } from "#lib/wire/messages.ts";
import { hypervisorFacts } from "./hypervisor-facts-arbitrary.ts";
import { memberReportOf } from "./member-report-arbitrary.ts";
import { moveOffer } from "./move-offer-arbitrary.ts";
import { policy, policyChange } from "./policy-arbitraries.ts";
import { scaleMessage } from "./scale-arbitraries.ts";
import { serviceName, serviceSpec } from "./service-arbitraries.ts";

/** Valid values of everything on the wire: validators must give each back as it is. */
const text = (maxLength: number) => fc.string({ maxLength });
const figure = fc.double({ min: 0, max: 2 ** 50, noNaN: true }).map(Math.abs);
const signed = fc.double({ min: -1e9, max: 1e9, noNaN: true });
const count = fc.nat();
const port = fc.integer({ min: 1, max: 65_535 });
const share = fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs);
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));

const vmName = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
const hostId = fc.stringMatching(/^[1-9A-HJ-NP-Za-km-z]{4,52}$/);
const moveId = fc
  .tuple(vmName, fc.integer({ min: 1, max: 1e6 }), hex(16))
  .map(([vm, version, random]) => moveIdOf(vm, version, random));
const reason = fc.constantFrom("imbalance", "hot", "rule", "drain", "swap", "operator" as const);
const path = fc.stringMatching(/^\/[a-zA-Z0-9_./-]{1,40}$/);

const network: fc.Arbitrary<VmNetwork> = fc.oneof(
  fc.constant({ kind: "none" } as const),
  fc.record({
    kind: fc.constant("user" as const),
    forwards: fc.array(
      fc.record({
        protocol: fc.constantFrom("tcp", "udp"),
        hostPort: port,
        guestPort: port,
      }),
      { maxLength: 32 },
    ),
  }),
  fc.record({
    kind: fc.constant("bridge" as const),
    bridge: fc.stringMatching(/^[a-z][a-z0-9]{0,14}$/),
    mac: fc.stringMatching(/^52(:[0-9a-f]{2}){5}$/),
  }),
);
export const vmSpec: fc.Arbitrary<VmSpec> = fc.record(
  {
    name: vmName,
    vcpus: fc.integer({ min: 1, max: 512 }),
    memoryBytes: fc.integer({ min: 1 << 20, max: 2 ** 46 }),
    machine: fc.constantFrom("microvm", "q35", "pc"),
    kernel: orNull(
      fc.record({ path, initrd: orNull(path), cmdline: fc.stringMatching(/^[a-z0-9 =.]{0,60}$/) }),
    ),
    disks: fc.array(fc.record({ path, format: fc.constantFrom("raw", "qcow2") }), {
      maxLength: 16,
    }),
    network,
    guestAgent: fc.constant(true as const),
    policy,
  },
  {
    requiredKeys: [
      ...(["name", "vcpus", "memoryBytes", "machine", "kernel"] as const),
      ...(["disks", "network", "policy"] as const),
    ],
  },
);
const load: fc.Arbitrary<VmLoad> = fc.record({
  cpuCores: figure,
  residentBytes: figure,
  dirtyBytesPerSecond: orNull(figure),
  networkBytesPerSecond: orNull(figure),
});
const accelerator = fc.constantFrom("kvm", "tcg", "none" as const);
const summary: fc.Arbitrary<HostSummary> = fc.record({
  name: text(64),
  presence: fc.constantFrom("here", "restarting", "left"),
  draining: fc.boolean(),
  cpuCapacityCores: figure,
  memoryCapacityBytes: figure,
  projectedCpuCores: figure,
  projectedMemoryBytes: figure,
  measuredCpuCores: figure,
  pressure: orNull(fc.record({ cpuShare: share, memoryShare: share, ioShare: share })),
  freeSlotsIn: fc.nat(64),
  freeSlotsOut: fc.nat(64),
  vmCount: fc.nat(1000),
  antiAffinityGroups: fc.array(text(63), { maxLength: 5 }),
  affinityGroups: fc.array(
    fc.record({ group: text(63), vms: fc.nat(65_535), memoryBytes: figure }),
    { maxLength: 5 },
  ),
  projectedNetworkBytesPerSecond: figure,
  networkCapacityBytesPerSecond: figure,
  hypervisor: hypervisorFacts,
  addresses: fc.array(text(60), { maxLength: 16 }),
  probePort: fc.nat(65_535),
  keyed: fc.boolean(),
  services: fc.constantFrom("members", "switch"),
  protocolMin: fc.nat(9),
  protocolMax: fc.nat(9),
  agentVersion: text(20),
  instance: hex(16),
});
const vmState = fc.constantFrom<VmState>("stopped", "running", "migrating", "in-doubt", "lost");
const vmEntry: fc.Arbitrary<VmEntry> = fc.record({
  name: vmName,
  version: count,
  state: vmState,
  vcpus: fc.integer({ min: 1, max: 512 }),
  memoryBytes: fc.integer({ min: 1 << 20, max: 2 ** 46 }),
  load: orNull(load),
  policy,
  move: orNull(moveId),
  moveTarget: orNull(hostId),
  immovable: orNull(text(200)),
});
export const moveOutcome: fc.Arbitrary<MoveOutcome> = fc.record({
  moveId,
  vm: vmName,
  from: hostId,
  to: hostId,
  reason,
  gain: signed,
  cost: signed,
  result: fc.constantFrom("moved", "aborted", "failed", "lost", "resolved"),
  detail: text(512),
  endedAtMs: figure,
  durationMs: figure,
  downtimeMs: orNull(figure),
  transferredBytes: figure,
});
const memberFacts = {
  service: serviceName,
  state: fc.constantFrom(
    ...(["absent", "staging", "suspended", "resuming", "running"] as const),
    ...(["draining", "suspending", "discarding", "stale"] as const),
  ),
  outdated: fc.boolean(),
  waiting: fc.boolean(),
  cpuShare: orNull(figure),
  diskBytes: figure,
  obstacle: text(256),
  atSwitch: fc.constantFrom("ready", "drain", "maint", "kept" as const),
  drainMark: orNull(count),
};
const memberNews: fc.Arbitrary<MemberNews> = fc.oneof(
  fc.record(memberFacts),
  fc.record({ ...memberFacts, healthy: fc.constant(false as const) }),
);
const switchNews: fc.Arbitrary<SwitchNews> = fc.record({
  service: serviceName,
  queued: figure,
  problem: text(256),
  members: fc.array(
    fc.record({
      host: hostId,
      state: fc.constantFrom("ready", "drain", "maint" as const),
      sessions: figure,
      drainMark: orNull(count),
    }),
    { maxLength: 3 },
  ),
});
export const hostRecord: fc.Arbitrary<HostRecord> = fc.oneof(
  fc.record({
    kind: fc.constant("summary" as const),
    host: hostId,
    incarnation: count,
    seq: count,
    body: summary,
  }),
  fc.record({
    kind: fc.constant("inventory" as const),
    host: hostId,
    incarnation: count,
    seq: count,
    body: fc.record(
      {
        vms: fc.array(vmEntry, { maxLength: 4 }),
        outcomes: fc.array(moveOutcome, { maxLength: 3 }),
        members: fc.array(memberNews, { maxLength: 3 }),
        switch: fc.array(switchNews, { maxLength: 3 }),
      },
      // Older agents, and hosts that take no part in services, say nothing of these.
      { requiredKeys: ["vms", "outcomes"] },
    ),
  }),
);
export const clusterDocument: fc.Arbitrary<ClusterDocument> = fc.record({
  name: text(64),
  version: count,
  hash: hex(64),
  author: hostId,
  value: text(200),
});
export const verb: fc.Arbitrary<Verb> = fc.oneof(
  fc.record({
    verb: fc.constant("mode" as const),
    mode: fc.constantFrom("act", "hold" as const),
  }),
  fc.record({ verb: fc.constantFrom("drain", "undrain" as const), host: hostId }),
  fc.record({ verb: fc.constant("migrate" as const), vm: vmName, target: hostId }),
  fc.record({
    verb: fc.constantFrom("cancel", "suspend", "resume", "start", "undefine", "explain" as const),
    vm: vmName,
  }),
  fc.record({ verb: fc.constant("stop" as const), vm: vmName, force: fc.boolean() }),
  fc.record({ verb: fc.constant("define" as const), spec: vmSpec }),
  fc.record({ verb: fc.constant("set" as const), vm: vmName, change: policyChange }),
  fc.record({
    verb: fc.constant("resolve" as const),
    vm: vmName,
    decision: fc.constantFrom("run-here", "discard" as const),
    fenced: hostId,
  }),
  fc.record({ verb: fc.constant("serviceApply" as const), spec: serviceSpec }),
  fc.record({ verb: fc.constant("serviceDelete" as const), service: serviceName }),
  fc.record({
    verb: fc.constant("serviceScale" as const),
    service: serviceName,
    min: orNull(fc.integer({ min: 0, max: 1024 })),
    max: orNull(fc.integer({ min: 0, max: 1024 })),
  }),
);
export const verbResult: fc.Arbitrary<VerbResult> = fc.record({
  status: fc.constantFrom(200, 202, 400, 404, 409, 503, 504),
  message: text(512),
  data: orNull(text(200)),
  moveId: orNull(moveId),
});
const verdict: fc.Arbitrary<Verdict> = fc.record({
  host: hostId,
  incarnation: count,
  state: fc.constantFrom("suspect", "dead"),
  by: hostId,
});
const versionPart = fc.integer({ min: -1, max: 1000 });
const digestEntry: fc.Arbitrary<DigestEntry> = fc.tuple(
  hostId,
  versionPart,
  versionPart,
  versionPart,
  versionPart,
);
const offer = moveOffer(vmSpec, accelerator);
const verdicts = fc.array(verdict, { maxLength: 3 });
const ofMove = <Type extends string>(type: Type) => fc.record({ type: fc.constant(type), moveId });
export const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    type: fc.constant("probe" as const),
    nonce: count,
    incarnation: count,
    suspected: fc.boolean(),
  }),
  fc.record(
    { type: fc.constant("ack" as const), nonce: count, incarnation: count, wallMs: figure },
    { requiredKeys: ["type", "nonce", "incarnation"] },
  ),
  fc.record({ type: fc.constant("indirectProbe" as const), nonce: count, target: hostId }),
  fc.record(
    {
      type: fc.constant("digest" as const),
      entries: fc.array(digestEntry, { maxLength: 5 }),
      documents: fc.array(fc.record({ name: text(64), version: count, hash: hex(64) }), {
        maxLength: 3,
      }),
      verdicts,
      partial: fc.constant(true as const),
      growing: fc.constant(true as const),
    },
    { requiredKeys: ["type", "entries", "documents", "verdicts"] },
  ),
  fc.record({
    type: fc.constant("delta" as const),
    records: fc.array(hostRecord, { maxLength: 3 }),
    documents: fc.array(clusterDocument, { maxLength: 3 }),
    verdicts,
    wants: fc.array(digestEntry, { maxLength: 5 }),
    wantsDocuments: fc.array(text(64), { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant("delta" as const),
    records: fc.array(hostRecord, { maxLength: 3 }),
    documents: fc.constant([]),
    verdicts,
    wants: fc.constant([]),
    wantsDocuments: fc.constant([]),
    ages: fc.array(fc.integer({ min: 0, max: 3_600_000 }), { maxLength: 64 }),
    hops: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    type: fc.constant("propose" as const),
    moveId,
    offer,
    load,
    reason,
    gain: signed,
    cost: signed,
    source: summary,
    version: count,
    recentMoves: fc.nat(20),
  }),
  fc.record(
    {
      type: fc.constant("refuse" as const),
      moveId,
      reason: text(512),
      summary,
      lasting: fc.constant(true as const),
    },
    { requiredKeys: ["type", "moveId", "reason", "summary"] },
  ),
  fc.record({
    type: fc.constant("ready" as const),
    moveId,
    channelPort: port,
    channelAddress: fc.constantFrom(null, "10.0.0.1"),
  }),
  fc.record({ type: fc.constant("abort" as const), moveId, reason: text(512) }),
  fc.record({
    type: fc.constant("query" as const),
    moveId,
    asker: fc.constantFrom("source", "target" as const),
  }),
  fc.record({
    type: fc.constant("targetAnswer" as const),
    moveId,
    answer: fc.constantFrom("busy", "held", "running", "ran", "refused", "unknown" as const),
    detail: text(512),
  }),
  fc.record({
    type: fc.constant("sourceAnswer" as const),
    moveId,
    answer: fc.constantFrom("open", "committed", "aborted", "closed", "unknown" as const),
  }),
  fc.record({ type: fc.constant("verbRequest" as const), requestId: text(64), verb }),
  fc.record({ type: fc.constant("verbReply" as const), requestId: text(64), result: verbResult }),
  fc.record({
    type: fc.constant("exchange" as const),
    exchangeId: hex(16),
    give: fc.record({
      vm: vmName,
      memoryBytes: fc.integer({ min: 1 << 20, max: 2 ** 46 }),
      load,
      policy,
    }),
    take: vmName,
    gain: signed,
    source: summary,
    holdMs: fc.nat(60_000),
  }),
  fc.record({
    type: fc.constant("exchangeAnswer" as const),
    exchangeId: hex(16),
    refusal: orNull(text(512)),
  }),
  fc.record({
    type: fc.constant("passOn" as const),
    exchangeId: hex(16),
    vm: vmName,
    to: hostId,
  }),
  fc.record({
    type: fc.constant("passedOn" as const),
    exchangeId: hex(16),
    vm: vmName,
    refusal: orNull(text(512)),
  }),
  scaleMessage,
  memberReportOf({ members: memberNews, switches: switchNews, serviceName }),
  fc.record({ type: fc.constant("exchangeOver" as const), exchangeId: hex(16) }),
  ofMove("grant"),
  ofMove("begin"),
  ofMove("held"),
  ofMove("commit"),
  ofMove("close"),
);
