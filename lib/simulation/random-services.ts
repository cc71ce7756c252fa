import { Prng } from "../base/prng.ts";
import type { ServiceHosting } from "../core/node-options.ts";
import type { ServiceSpec, ServiceTarget } from "../model/service.ts";
import { simServiceSpec } from "./sim-service.ts";

/** The services of one random run, and what each host does for them. */
export interface RandomServices {
  readonly specs: readonly ServiceSpec[];
  /** By the number of the host, from 0. */
  hostingOf(index: number): ServiceHosting;
  /** For what happens to them during the run. */
  readonly prng: Prng;
}

/** One run of so many has services. */
const runsPerService = 3;
const servicesMax = 3;
const switchesMax = 2;
const names = ["web", "mail", "shop"] as const;
/** Room for all members of a host, or for a few of them. */
const diskBytes = { ample: 2 ** 33, scarce: 3 * 2 ** 24 } as const;

/**
 * The services of the random run of this seed: in two runs of three there are none, null. Their
 * dice are their own, so that all else in the run is drawn as if they were not there.
 */
export function randomServices(seed: number, hosts: number): RandomServices | null {
  const prng = new Prng(`services.${seed}`);
  if (prng.nextInt(runsPerService) !== 0) return null;
  const count = 1 + prng.nextInt(servicesMax);
  const specs = names.slice(0, count).map((name, at) => randomSpec(prng, { name, hosts, net: at }));
  const switches = 1 + prng.nextInt(switchesMax);
  const first = prng.nextInt(hosts);
  const diskBytesMax = prng.nextInt(5) === 0 ? diskBytes.scarce : diskBytes.ample;
  return {
    specs,
    prng,
    hostingOf: (index) => ({
      overlayFolder: "/srv/members",
      diskBytesMax,
      hasSwitch: (index - first + hosts) % hosts < switches,
    }),
  };
}

function randomSpec(
  prng: Prng,
  place: { readonly name: string; readonly hosts: number; readonly net: number },
): ServiceSpec {
  const min = prng.nextInt(3);
  const target: ServiceTarget =
    prng.nextInt(2) === 0
      ? { kind: "cpuShare", share: 0.1 + 0.3 * prng.nextShare() }
      : { kind: "sessions", perMember: 5 + prng.nextInt(15) };
  const spec = simServiceSpec(place);
  const max = Math.max(1, min + prng.nextInt(3));
  return {
    ...spec,
    template: { ...spec.template, memoryBytes: (8 + prng.nextInt(16)) * 2 ** 20 },
    stagedMax: prng.nextInt(3) === 0 ? max + prng.nextInt(place.hosts) : null,
    running: { min, max },
    target,
    drainMs: 500 + prng.nextInt(5_000),
    settleMs: 2_000 + prng.nextInt(10_000),
    connectionsPerMember: prng.nextInt(3) === 0 ? 5 + prng.nextInt(20) : null,
  };
}
