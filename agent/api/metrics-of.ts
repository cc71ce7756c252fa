import type { Alarm, Snapshot } from "#lib/core/snapshot.ts";
import type { MemberState } from "#lib/model/verdict.ts";
import type { ProcessFigures } from "../ports/agent-view.ts";
import type { TransportCounters } from "../ports/transport.ts";
import { renderMember } from "./render-member.ts";
import { countStates, spreadOf } from "./render-status.ts";

export interface Metric {
  /** With the prefix `evenkeel_` and a base unit, as Prometheus wants it; counters end in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** States and codes are listed when there are none too, so that an alert rule sees a zero. */
const MEMBER_STATES: readonly MemberState[] = ["alive", "suspect", "dead", "left"];
const ALARM_CODES: readonly Alarm["code"][] = [
  "duplicate",
  "clone",
  "in-doubt",
  "lost",
  "name-clash",
  "stray-copy",
];

export interface MetricSources {
  readonly snapshot: Snapshot;
  readonly transport: TransportCounters;
  readonly process: ProcessFigures;
}

/**
 * What this agent tells Prometheus: itself and its own host, the cluster in counts. One series per
 * VM or per other member would be hosts x hosts of them over a fleet, so there are none.
 */
export function metricsOf(sources: MetricSources): readonly Metric[] {
  const { snapshot, transport, process } = sources;
  return [
    ...clusterMetrics(snapshot),
    ...hostMetrics(snapshot),
    ...moveMetrics(snapshot),
    ...coreMetrics(snapshot),
    ...transportMetrics(transport),
    gauge("uptime_seconds", "Time since the agent started.", process.uptimeMs / 1000),
    gauge("resident_memory_bytes", "Resident memory of the agent.", process.residentBytes),
    counter("cpu_seconds_total", "CPU time used by the agent.", process.cpuMs / 1000),
  ];
}

function clusterMetrics(snapshot: Snapshot): readonly Metric[] {
  const self = snapshot.members.find((member) => member.self);
  const spread = spreadOf(snapshot);
  return [
    labelled("build_info", "Always 1; the version is a label.", "version", {
      [self?.summary?.agentVersion ?? "unknown"]: 1,
    }),
    gauge("keyed", "1 when the agent has a cluster key and may act.", Number(snapshot.keyed)),
    gauge("acting", "1 when the cluster acts, 0 on hold.", Number(snapshot.mode === "act")),
    labelled("members", "Members of the cluster by state, as this host sees them.", "state", {
      ...zeros(MEMBER_STATES),
      ...countStates(snapshot.members),
    }),
    labelled("alarms", "Alarms standing now, by kind.", "code", {
      ...zeros(ALARM_CODES),
      ...countStates(snapshot.alarms.map(({ code }) => ({ state: code }))),
    }),
    ...known("cluster_cpu_stddev_ratio", "Spread of the members' projected CPU.", spread.cpuSd),
    ...known(
      "cluster_memory_stddev_ratio",
      "Spread of the members' projected memory.",
      spread.memorySd,
    ),
  ];
}

function hostMetrics(snapshot: Snapshot): readonly Metric[] {
  const self = snapshot.members.find((member) => member.self);
  if (self === undefined) return [];
  const own = renderMember(self);
  const ownVms = snapshot.vms.filter((vm) => vm.host === snapshot.self);
  const ownMembers = snapshot.services
    .flatMap(({ life }) => life?.members ?? [])
    .filter(({ host }) => host === snapshot.self);
  const pressure = own.pressure;
  return [
    ...known("host_cpu_capacity_cores", "CPU capacity of this host.", own.cpuCapacityCores),
    ...known("host_cpu_measured_ratio", "Measured CPU demand of capacity.", own.measuredCpuShare),
    ...known("host_cpu_projected_ratio", "CPU with the agreed moves.", own.cpuShare),
    ...known("host_memory_capacity_bytes", "Memory that guests may have.", own.memoryCapacityBytes),
    ...known("host_memory_projected_ratio", "Memory with the agreed moves.", own.memoryShare),
    ...known("host_network_projected_ratio", "Traffic with the agreed moves.", own.networkShare),
    ...(pressure === null
      ? []
      : [
          labelled("host_pressure_ratio", "Pressure stall share over ten seconds.", "resource", {
            cpu: pressure.cpuShare,
            memory: pressure.memoryShare,
            io: pressure.ioShare,
          }),
        ]),
    gauge("host_draining", "1 while this host is being emptied.", Number(snapshot.draining)),
    labelled("host_vms", "VMs of this host by state.", "state", countStates(ownVms)),
    labelled("host_service_members", "Members of services on this host by state.", "state", {
      running: 0,
      unhealthy: 0,
      ...countStates(
        ownMembers.map(({ state, healthy }) => {
          return { state: healthy ? state : "unhealthy" };
        }),
      ),
    }),
    gauge("incarnation", "Number that the agent raises to refute its death.", snapshot.incarnation),
  ];
}

function moveMetrics(snapshot: Snapshot): readonly Metric[] {
  const { counters, moves } = snapshot;
  const last = snapshot.history.find((outcome) => outcome.downtimeMs !== null);
  return [
    labelled("moves_under_way", "Moves under way at this host, by its part in them.", "role", {
      source: moves.filter((move) => move.role === "source").length,
      target: moves.filter((move) => move.role === "target").length,
    }),
    gauge("moves_in_doubt", "Moves that wait for the other end or the operator.", inDoubt(moves)),
    counter("moves_out_total", "Moves that left this host.", counters.movesOut),
    counter("moves_in_total", "Moves that came to this host.", counters.movesIn),
    counter("moves_failed_total", "Moves that were aborted or failed.", counters.movesFailed),
    ...known(
      "last_move_downtime_seconds",
      "Downtime of the last move known here.",
      last?.downtimeMs == null ? null : last.downtimeMs / 1000,
    ),
  ];
}

function coreMetrics({ counters }: Snapshot): readonly Metric[] {
  return [
    counter("rounds_total", "Rounds in which this host looked for a move.", counters.rounds),
    counter("proposals_sent_total", "Moves proposed to others.", counters.proposalsSent),
    counter("proposals_received_total", "Moves proposed to us.", counters.proposalsReceived),
    counter("grants_total", "Proposals granted by this host.", counters.grants),
    counter("refusals_total", "Proposals refused by this host.", counters.refusals),
    counter("suspicions_total", "Times this host suspected a member.", counters.suspicions),
    counter("refutations_total", "Times this host refuted its death.", counters.refutations),
    counter("records_accepted_total", "Records taken into the view.", counters.recordsAccepted),
    counter("records_stale_total", "Records that brought nothing new.", counters.recordsStale),
  ];
}

function transportMetrics(transport: TransportCounters): readonly Metric[] {
  return [
    counter("sent_bytes_total", "Bytes sent to members.", transport.sentBytes),
    counter("received_bytes_total", "Bytes received from members.", transport.receivedBytes),
    counter("sent_messages_total", "Messages sent to members.", transport.sentMessages),
    counter("received_messages_total", "Messages from members.", transport.receivedMessages),
    {
      ...labelled("dropped_total", "Dropped input, by reason.", "reason", transport.dropped),
      type: "counter",
    },
  ];
}

function gauge(name: string, help: string, value: number): Metric {
  return { name: `evenkeel_${name}`, help, type: "gauge", samples: [{ labels: {}, value }] };
}

function counter(name: string, help: string, value: number): Metric {
  return { ...gauge(name, help, value), type: "counter" };
}

function labelled(
  name: string,
  help: string,
  label: string,
  values: Readonly<Record<string, number>>,
): Metric {
  const samples = Object.entries(values).map(([text, value]) => ({
    labels: { [label]: text },
    value,
  }));
  return { name: `evenkeel_${name}`, help, type: "gauge", samples };
}

/** A figure that cannot be had is absent, never a made-up zero. */
function known(name: string, help: string, value: number | null): readonly Metric[] {
  return value === null ? [] : [gauge(name, help, value)];
}

function zeros(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, 0]));
}

function inDoubt(moves: Snapshot["moves"]): number {
  return moves.filter((move) => move.inDoubt).length;
}
