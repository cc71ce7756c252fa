import type { Settings } from "./schema.ts";

type DeepReadonly<Value> = Value extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
    : Value;

/** Where the cluster key is looked for, and whether it may be missing. */
export interface KeySource {
  readonly path: string;
  /** True when the admin named the path: then a missing file is an error. */
  readonly required: boolean;
  /** systemd handed it over (systemd.exec(5), CREDENTIALS). */
  readonly isCredential: boolean;
}

/** The settings that have a value only once the host is known. */
interface Resolved {
  readonly name: string;
  readonly readSocket: string;
  readonly keyFile: KeySource;
  readonly hypervisor: DeepReadonly<Settings["hypervisor"]> & { readonly guestDirectory: string };
  readonly services: {
    /** Null where there is no storage root to put it in: then this host takes no members. */
    readonly overlayDirectory: string | null;
    readonly diskMaxGiB: number;
  };
}

/** The checked, frozen configuration of one agent; every setting has a value. */
export type Config = DeepReadonly<Omit<Settings, keyof Resolved>> & Resolved;
