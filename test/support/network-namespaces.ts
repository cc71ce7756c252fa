import { execFileSync } from "node:child_process";

/** Of the package iproute2. */
const IP_TOOL = "ip";

/** True where this process may make network namespaces and the tool for it is installed. */
export function canMakeNamespaces(): boolean {
  try {
    const name = `ek-try-${process.pid}`;
    ip("netns", "add", name);
    ip("netns", "del", name);
    return true;
  } catch {
    return false;
  }
}

/** Hosts on one bridge, each in a network namespace of its own, with multicast between them. */
export class NetworkNamespaces {
  readonly #prefix: string;
  readonly #count: number;
  readonly #bridged: boolean;

  /**
   * `prefix`: at most 8 characters; names of interfaces are short. `bridged`: each host has a bridge
   * of its own, `br0`, with its address and its cable on it, which guests are attached to.
   */
  constructor(prefix: string, count: number, bridged = false) {
    this.#prefix = prefix;
    this.#count = count;
    this.#bridged = bridged;
  }

  up(): void {
    const bridge = this.#name("sw");
    ip("netns", "add", bridge);
    ip("-n", bridge, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0");
    ip("-n", bridge, "link", "set", "br0", "up");
    for (let i = 1; i <= this.#count; i++) this.#addHost(i);
  }

  /** Removes everything, also what a failed `up` left; the processes inside must have ended. */
  down(): void {
    for (const part of ["sw", ...Array.from({ length: this.#count }, (_, i) => `${i + 1}`)]) {
      try {
        ip("netns", "del", this.#name(part));
      } catch {
        // It was never made.
      }
    }
  }

  /** The command that runs `command` on host `i` (from 1). */
  commandOn(i: number, command: readonly string[]): { file: string; args: string[] } {
    return { file: IP_TOOL, args: ["netns", "exec", this.#name(`${i}`), ...command] };
  }

  /** Cuts host `i` off from the others, or brings it back. */
  setLink(i: number, state: "up" | "down"): void {
    ip("-n", this.#name("sw"), "link", "set", this.#name(`${i}`), state);
  }

  #addHost(i: number): void {
    const name = this.#name(`${i}`);
    const bridge = this.#name("sw");
    ip("netns", "add", name);
    ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
    ip("link", "set", name, "netns", bridge);
    ip("-n", bridge, "link", "set", name, "master", "br0", "up");
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", name, "link", "set", "eth0", "up");
    const device = this.#bridged ? "br0" : "eth0";
    if (this.#bridged) {
      ip("-n", name, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0");
      ip("-n", name, "link", "set", "eth0", "master", "br0");
      ip("-n", name, "link", "set", "br0", "up");
    }
    ip("-n", name, "addr", "add", `10.98.0.${i}/24`, "dev", device);
    // Without a route for multicast mDNS silently does nothing.
    ip("-n", name, "route", "add", "default", "dev", device);
  }

  #name(part: string): string {
    return `${this.#prefix}-${part}`;
  }
}

function ip(...args: readonly string[]): void {
  execFileSync(IP_TOOL, args, { stdio: "pipe" });
}
