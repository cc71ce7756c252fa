import type { TransferLimits } from "../model/host-op.ts";
import type { HostId } from "../model/ids.ts";

/** Settings of the core that an admin may change; everything else is a constant with its reason. */
export interface CoreSettings {
  readonly limits: TransferLimits;
  /** Least drop of the potential, above the cost, for a move of the balancer's own. */
  readonly gainMin: number;
  /** How far above the view's mean utilisation before a host proposes. */
  readonly marginShare: number;
  /** Utilisation that is a hot spot whatever the others do. */
  readonly hotShare: number;
  /** First pause of a VM after a move; doubles with each that follows closely. */
  readonly cooldownMs: number;
  /** Share of a host's memory that guests and the host itself may take together. */
  readonly memoryShareMax: number;
  /** Moves that the whole cluster may make to even out: it then makes the best. No cap by default. */
  readonly movesMax?: number | undefined;
}

export interface NodeOptions {
  readonly self: HostId;
  /** Host name, for people. */
  readonly name: string;
  /** False: in the open, without a key; shows load and never acts. */
  readonly keyed: boolean;
  readonly agentVersion: string;
  /** Hex digits that seed all randomness of this life. */
  readonly seed: string;
  readonly settings: CoreSettings;
  /** What this host does for services; null where it takes no members. */
  readonly services?: ServiceHosting | null;
}

/** What a host has for virtual clusters. */
export interface ServiceHosting {
  /** Absolute path of the folder for members' overlays, under one of its storage roots. */
  readonly overlayFolder: string;
  /** Suspended members may take so many bytes of disk together; 0 for no members. */
  readonly diskBytesMax: number;
  /** True when this host keeps a switch. */
  readonly hasSwitch: boolean;
}

export const defaultCoreSettings: CoreSettings = {
  limits: { bandwidthBytesPerSecond: 0, downtimeMs: 300, noProgressMs: 30_000 },
  gainMin: 0.002,
  marginShare: 0.02,
  hotShare: 0.9,
  cooldownMs: 60_000,
  memoryShareMax: 0.9,
};
