import { isIPv6 } from "node:net";
import { type SwitchCommand, switchLimits } from "#lib/model/switch.ts";
import { canonicalAddress } from "./canonical-address.ts";

const PORT_MAX = 65_535;
/** HAProxy would take a name that begins with a digit for a number of its own. */
const backendPattern = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const serverPattern = /^[a-z][a-z0-9-]*$/;

/** What is wrong with the name of a backend, for a message; undefined when nothing is. */
export function backendObjection(backend: string): string | undefined {
  const isName = backendPattern.test(backend);
  if (isName && backend.length <= switchLimits.backendNameLengthMax) return undefined;
  return `"${backend.slice(0, 60)}" is no name of a backend`;
}

/** What no switch should be asked, for a message; undefined for a sound command. */
export function commandObjection(command: SwitchCommand): string | undefined {
  const { backend, server } = command;
  const isServer = serverPattern.test(server) && server.length <= switchLimits.serverNameLengthMax;
  if (!isServer) return `"${server.slice(0, 60)}" is no name of a server of ours`;
  return (
    backendObjection(backend) ??
    placeObjection(command) ??
    weightObjection(command) ??
    connectionsObjection(command)
  );
}

/** The lines of HAProxy's runtime API, in order, for a command without objection. */
export function commandLines(command: SwitchCommand): readonly string[] {
  if (command.act !== "connections") return [commandLine(command)];
  const { backend, server, connectionsMax } = command;
  const set = `set maxconn server ${backend}/${server}`;
  if (connectionsMax !== null) return [`${set} ${connectionsMax}`];
  // Zero is no limit, but lets none through that waits already (2.6): they would wait in vain.
  return [`${set} ${switchLimits.connectionsMax}`, `${set} 0`];
}

function commandLine(command: Exclude<SwitchCommand, { act: "connections" }>): string {
  const at = `${command.backend}/${command.server}`;
  switch (command.act) {
    case "add":
      // No pool of idle connections, whatever the version's default: a guest that was suspended
      // must not come back to connections that only its own end still knows.
      return [
        `add server ${at} ${endpointText(command)} weight ${command.weight} pool-max-conn 0`,
        ...(command.connectionsMax === null ? [] : [`maxconn ${command.connectionsMax}`]),
      ].join(" ");
    case "address":
      return `set server ${at} addr ${canonicalAddress(command.address)} port ${command.port}`;
    case "weight":
      return `set server ${at} weight ${command.weight}`;
    case "remove":
      return `del server ${at}`;
    case "ready":
    case "drain":
    case "maint":
      return `set server ${at} state ${command.act}`;
  }
}

function endpointText({ address, port }: { address: string; port: number }): string {
  const canonical = canonicalAddress(address) ?? "";
  return isIPv6(canonical) ? `[${canonical}]:${port}` : `${canonical}:${port}`;
}

function placeObjection(command: SwitchCommand): string | undefined {
  if (command.act !== "add" && command.act !== "address") return undefined;
  const { address, port } = command;
  if (canonicalAddress(address) === undefined) {
    return `"${address.slice(0, 60)}" is no IP address: a name would need a resolver`;
  }
  const isPort = Number.isInteger(port) && port > 0 && port <= PORT_MAX;
  return isPort ? undefined : `${port} is no port`;
}

function weightObjection(command: SwitchCommand): string | undefined {
  if (command.act !== "add" && command.act !== "weight") return undefined;
  const { weight } = command;
  const isWeight = Number.isInteger(weight) && weight >= 0 && weight <= switchLimits.weightMax;
  return isWeight ? undefined : `${weight} is no weight from 0 to ${switchLimits.weightMax}`;
}

function connectionsObjection(command: SwitchCommand): string | undefined {
  if (command.act !== "add" && command.act !== "connections") return undefined;
  const { connectionsMax: most } = command;
  const isLimit = most === null || (Number.isInteger(most) && most > 0);
  if (isLimit && (most ?? 0) <= switchLimits.connectionsMax) return undefined;
  return `${most} is no number of connections from 1 to ${switchLimits.connectionsMax}`;
}
