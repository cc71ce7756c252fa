import { compareText } from "../base/ordered.ts";
import type { VmName } from "../model/ids.ts";
import type {
  BackendView,
  Leftovers,
  SwitchCommand,
  SwitchServer,
  WantedBackend,
  WantedServer,
} from "../model/switch.ts";
import { readMemberName } from "./member-name.ts";

/** Servers of this naming are ours to change and to remove; all others are the admin's. */
const OWN_PREFIX = "evenkeel-";

/** The name of a member's server at every switch. */
export function serverName(member: VmName): string {
  return OWN_PREFIX + member;
}

/** The service of a member's server; undefined for a name that no agent gives. */
function serviceOfServer(name: string): string | undefined {
  return isOwnServer(name) ? readMemberName(name.slice(OWN_PREFIX.length))?.service : undefined;
}

/** True when this server of ours must not be touched, in a backend that is named or is not. */
export function isSpared(name: string, isNamed: boolean, { left, cleared }: Leftovers): boolean {
  const service = serviceOfServer(name);
  if (service !== undefined && left.includes(service)) return true;
  if (isNamed || cleared === null) return false;
  return service === undefined || !cleared.includes(service);
}

/** True when a server of this name was put there by an agent. */
export function isOwnServer(name: string): boolean {
  return name.startsWith(OWN_PREFIX);
}

/**
 * The commands, in order, that bring one backend in line with what is wanted; none when it is in
 * line, or when the backend does not exist.
 *
 * What adds servers comes before what takes them away, so that the backend is not emptied on the
 * way. An own server that nobody wants drains while it has sessions and then goes; one that is
 * `overdue` is put out of service with its sessions, which may end by themselves before it goes.
 */
export function planSwitch(
  wanted: WantedBackend,
  seen: BackendView,
  overdue: ReadonlySet<string> = new Set(),
): SwitchCommand[] {
  if (!seen.exists) return [];
  const { backend } = seen;
  const there = new Map(seen.servers.map((server) => [server.name, server]));
  const raising: SwitchCommand[] = [];
  const lowering: SwitchCommand[] = [];
  const members = [...wanted.servers].sort((a, b) => compareText(a.member, b.member));
  for (const member of members) {
    const server = there.get(serverName(member.member));
    const commands = server ? changesOf(backend, member, server) : additionOf(backend, member);
    (member.state === "ready" ? raising : lowering).push(...commands);
  }
  const names = new Set(members.map(({ member }) => serverName(member)));
  for (const server of unwantedServers(seen, names)) {
    lowering.push(...removalOf(backend, server, overdue));
  }
  return [...raising, ...lowering];
}

/** The own servers of a backend whose names are not among `wanted`. */
export function unwantedServers(seen: BackendView, wanted: ReadonlySet<string>): SwitchServer[] {
  return seen.servers.filter(({ name }) => isOwnServer(name) && !wanted.has(name));
}

function additionOf(backend: string, wanted: WantedServer): SwitchCommand[] {
  const at = { backend, server: serverName(wanted.member) };
  const { address, port, weight, connectionsMax, state } = wanted;
  const added: SwitchCommand = { ...at, act: "add", address, port, weight, connectionsMax };
  return state === "maint" ? [added] : [added, { ...at, act: state }];
}

function changesOf(backend: string, wanted: WantedServer, server: SwitchServer): SwitchCommand[] {
  const at = { backend, server: server.name };
  const { address, port, weight, connectionsMax, state } = wanted;
  const commands: SwitchCommand[] = [];
  let current = server.state;
  if (server.address !== address || server.port !== port) {
    // No request may meet an address that is half changed, or the member that had it before.
    if (current !== "maint") commands.push({ ...at, act: "maint" });
    current = "maint";
    commands.push({ ...at, act: "address", address, port });
  }
  if (server.weight !== weight) commands.push({ ...at, act: "weight", weight });
  if (server.connectionsMax !== connectionsMax) {
    commands.push({ ...at, act: "connections", connectionsMax });
  }
  if (current !== state) commands.push({ ...at, act: state });
  return commands;
}

function removalOf(
  backend: string,
  server: SwitchServer,
  overdue: ReadonlySet<string>,
): SwitchCommand[] {
  const at = { backend, server: server.name };
  const isBusy = server.sessions + server.queued > 0;
  if (isBusy && !overdue.has(server.name)) {
    return server.state === "ready" ? [{ ...at, act: "drain" }] : [];
  }
  const commands: SwitchCommand[] = [];
  if (server.state === "ready") commands.push({ ...at, act: "drain" });
  if (server.state !== "maint") commands.push({ ...at, act: "maint" });
  if (!isBusy) commands.push({ ...at, act: "remove" });
  return commands;
}
