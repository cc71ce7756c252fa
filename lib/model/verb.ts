import type { HostId, MoveId, VmName } from "./ids.ts";
import type { PolicyChange } from "./policy-change.ts";
import type { ServiceSpec } from "./service.ts";
import type { VmSpec } from "./vm-spec.ts";

/** What an operator may ask of a host. The core forwards a verb to the host that owns its object. */
export type Verb =
  | { readonly verb: "mode"; readonly mode: "act" | "hold" }
  | { readonly verb: "drain"; readonly host: HostId }
  | { readonly verb: "undrain"; readonly host: HostId }
  | { readonly verb: "migrate"; readonly vm: VmName; readonly target: HostId }
  | { readonly verb: "cancel"; readonly vm: VmName }
  | { readonly verb: "suspend"; readonly vm: VmName }
  | { readonly verb: "resume"; readonly vm: VmName }
  | { readonly verb: "start"; readonly vm: VmName }
  | { readonly verb: "stop"; readonly vm: VmName; readonly force: boolean }
  | { readonly verb: "define"; readonly spec: VmSpec }
  | { readonly verb: "undefine"; readonly vm: VmName }
  /** Changes the VM's policy; what is not named stays. */
  | { readonly verb: "set"; readonly vm: VmName; readonly change: PolicyChange }
  /** Ends this host's guests by their policies. Never taken from another host. */
  | { readonly verb: "shutdown"; readonly deadlineMs: number }
  | { readonly verb: "explain"; readonly vm: VmName }
  | {
      readonly verb: "resolve";
      readonly vm: VmName;
      readonly decision: "run-here" | "discard";
      /** The host that the operator vouches to be switched off or without a copy. */
      readonly fenced: HostId;
    }
  | { readonly verb: "serviceApply"; readonly spec: ServiceSpec }
  | { readonly verb: "serviceDelete"; readonly service: string }
  | {
      readonly verb: "serviceScale";
      readonly service: string;
      /** Null leaves it as it is. */
      readonly min: number | null;
      readonly max: number | null;
    };

export type VerbName = Verb["verb"];

/** `status` follows HTTP: 200 done, 202 accepted (goes on), 400, 404, 409 busy, 503, 504. */
export interface VerbResult {
  readonly status: number;
  /** One line for a person. */
  readonly message: string;
  /** Structured result as JSON text, or null. */
  readonly data: string | null;
  /** The move that was started, where one was. */
  readonly moveId: MoveId | null;
}
