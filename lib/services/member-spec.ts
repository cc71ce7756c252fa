import { hashText } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";
import type { DigestedFile, MemberTemplate, ServiceSpec } from "../model/service.ts";
import type { VmKernel, VmNetwork, VmSpec } from "../model/vm-spec.ts";
import { memberMacOf, memberNameOf } from "./member-name.ts";
import { placeholdersIn, substitute, substitutionsAt } from "./placeholders.ts";

/** The host that the member is for. */
export interface MemberHost {
  readonly host: HostId;
  /** Display name: the key of its substitutions. */
  readonly name: string;
  /** Absolute path of the folder for members' overlays, under one of its storage roots. */
  readonly overlayFolder: string;
}

/** The one member of a service on one host. */
export interface MemberSpec {
  /** Ignored by the balancer: a member never migrates, it is shifted (DESIGN 7). */
  readonly vm: VmSpec;
  /** The overlay is made on it, at `vm.disks[0]`; null for a member without a disk. */
  readonly base: (DigestedFile & { readonly format: "raw" | "qcow2" }) | null;
  /** What must be on the host, byte for byte, before the member is staged. */
  readonly files: readonly DigestedFile[];
  readonly endpoint: { readonly address: string; readonly port: number };
  /**
   * 16 hex digits over all that a suspended image depends on. It only tells that something changed:
   * whoever would forge the contents meets the files' own SHA-256.
   */
  readonly digest: string;
}

/** A value, or in words why there is none: what is wrong in a service file is no bug of ours. */
export type OrObjection<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly objection: string };

const bridgePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/;
const addressPattern = /^[a-zA-Z0-9:.-]{1,253}$/;
const portPattern = /^[1-9][0-9]{0,4}$/;
const portMax = 65_535;

/** Carries the first objection up through the filling; never leaves this file. */
class Objected extends Error {}

/** The member of `service` on this host, or in words why there can be none. Throws nothing. */
export function memberSpecOf(service: ServiceSpec, host: MemberHost): OrObjection<MemberSpec> {
  try {
    return { ok: true, value: new MemberMaker(service, host).make() };
  } catch (error) {
    if (error instanceof Objected) return { ok: false, objection: error.message };
    throw error;
  }
}

class MemberMaker {
  readonly #service: ServiceSpec;
  readonly #host: MemberHost;
  readonly #values: ReadonlyMap<string, string>;

  constructor(service: ServiceSpec, host: MemberHost) {
    this.#service = service;
    this.#host = host;
    this.#values = substitutionsAt(service, host.name);
  }

  make(): MemberSpec {
    const { template, endpoint } = this.#service;
    const name = memberNameOf(this.#service.name, this.#host.host);
    if (name === null) throw this.#objected("name", "cannot be part of a VM's name");
    const { kernel, files } = this.#kernel(template);
    const base = template.image && { ...this.#file("image", template.image) };
    const vm: VmSpec = {
      name,
      vcpus: template.vcpus,
      memoryBytes: template.memoryBytes,
      machine: template.machine,
      kernel,
      disks: base ? [{ path: `${this.#host.overlayFolder}/${name}.qcow2`, format: "qcow2" }] : [],
      network: this.#network(template),
      ...(template.guestAgent && { guestAgent: true }),
      policy: { pin: null, ignore: true, antiAffinityGroup: null, affinityGroup: null },
    };
    const allFiles = base ? [...files, { path: base.path, sha256: base.sha256 }] : files;
    return {
      vm,
      base,
      files: allFiles,
      endpoint: {
        address: this.#matching("endpoint.address", endpoint.address, addressPattern),
        port: this.#port("endpoint.port", endpoint.port),
      },
      digest: digestOf(vm, allFiles, base?.format ?? ""),
    };
  }

  #kernel(template: MemberTemplate): { kernel: VmKernel | null; files: DigestedFile[] } {
    if (template.kernel === null) return { kernel: null, files: [] };
    const kernel = this.#file("kernel", template.kernel.kernel);
    const initrd = template.kernel.initrd && this.#file("initrd", template.kernel.initrd);
    const cmdline = this.#fill("kernel.cmdline", template.kernel.cmdline);
    return {
      kernel: { path: kernel.path, initrd: initrd?.path ?? null, cmdline },
      files: initrd ? [kernel, initrd] : [kernel],
    };
  }

  #network({ network }: MemberTemplate): VmNetwork {
    if (network.kind === "bridge") {
      const bridge = this.#matching("network.bridge", network.bridge, bridgePattern);
      return { kind: "bridge", bridge, mac: memberMacOf(this.#service.name, this.#host.host) };
    }
    const hostPort = this.#port("network.hostPort", network.hostPort);
    const forward = { protocol: "tcp", hostPort, guestPort: network.guestPort } as const;
    return { kind: "user", forwards: [forward] };
  }

  #file<File extends DigestedFile>(field: string, file: File): File {
    const path = this.#fill(`${field}.path`, file.path);
    if (!path.startsWith("/")) throw this.#objected(`${field}.path`, `${path} is not absolute`);
    return { ...file, path };
  }

  #port(field: string, text: string): number {
    const filled = this.#matching(field, text, portPattern);
    const port = Number(filled);
    if (port > portMax) throw this.#objected(field, `${filled} is no port (1 to ${portMax})`);
    return port;
  }

  #matching(field: string, text: string, pattern: RegExp): string {
    const filled = this.#fill(field, text);
    if (pattern.test(filled)) return filled;
    throw this.#objected(field, `${JSON.stringify(filled)} is none that can be used`);
  }

  #fill(field: string, text: string): string {
    const filled = substitute(text, this.#values);
    if (filled !== null) return filled;
    const missing = placeholdersIn(text).find((key) => !this.#values.has(key));
    throw this.#objected(field, `nothing stands for \${${missing}}`);
  }

  #objected(field: string, why: string): Objected {
    return new Objected(`service ${this.#service.name} on ${this.#host.name}: ${field}: ${why}`);
  }
}

/** Field by field, so that the order of keys in a document cannot change the digest. */
function digestOf(vm: VmSpec, files: readonly DigestedFile[], baseFormat: string): string {
  const { name, vcpus, memoryBytes, machine, kernel, disks, network, guestAgent } = vm;
  const parts = [
    [name, vcpus, memoryBytes, machine],
    kernel ? [kernel.path, kernel.initrd, kernel.cmdline] : null,
    disks.map((disk) => [disk.path, disk.format]),
    network.kind === "bridge" ? [network.bridge, network.mac] : null,
    network.kind === "user"
      ? network.forwards.map((one) => [one.protocol, one.hostPort, one.guestPort])
      : null,
    files.map((file) => [file.path, file.sha256]),
    baseFormat,
    // Only where it is there: members staged before the field existed keep their digest.
    ...(guestAgent ? ["guestAgent"] : []),
  ];
  const text = JSON.stringify(parts);
  return ["high", "low"].map((half) => hex(hashText(`${half}/${text}`))).join("");
}

function hex(hash: number): string {
  return hash.toString(16).padStart(8, "0");
}
