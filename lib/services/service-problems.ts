import type { ServiceSpec } from "../model/service.ts";
import { everyHost, placeholdersIn, substitute, substitutionsAt } from "./placeholders.ts";

/** Something that a declaration says and that cannot be. */
export interface ServiceProblem {
  /** The field, from the outside in. */
  readonly path: readonly string[];
  readonly problem: string;
}

export interface Endpoint {
  /** Display name of the host; `*` where it is the same on any. */
  readonly host: string;
  readonly address: string;
  readonly port: string;
}

/** An IPv4 or IPv6 address, or the name of a host. */
const addressPattern = /^[A-Za-z0-9.:-]{1,253}$/;
const PORT_MAX = 65_535;

/** What does not fit together in a declaration whose fields are each as they should be. */
export function serviceProblems(spec: ServiceSpec): readonly ServiceProblem[] {
  return [
    ...countProblems(spec),
    ...bootProblems(spec),
    ...placeholderProblems(spec),
    ...endpointProblems(spec),
  ];
}

/**
 * Where the members of the hosts that are named can be reached; of a service that names none, the
 * endpoint that all have in common. Hosts whose substitutions do not suffice are left out.
 */
export function endpointsOf(spec: ServiceSpec): readonly Endpoint[] {
  const named = namedHosts(spec);
  const common = isSameEverywhere(spec) ? [everyHost] : [];
  return (named.length > 0 ? named : common).flatMap((host) => {
    const values = substitutionsAt(spec, host);
    const address = substitute(spec.endpoint.address, values);
    const port = substitute(spec.endpoint.port, values);
    return address === null || port === null ? [] : [{ host, address, port }];
  });
}

/**
 * What only a new declaration is refused for: a member behind a switch is reached at an IP address,
 * since the switch must not depend on a resolver. A name may stand for any host in `${host}`.
 */
export function switchProblems(spec: ServiceSpec): readonly ServiceProblem[] {
  if (spec.backend === null) return [];
  const listed = endpointsOf(spec).map(({ address }) => address);
  const anyHost = substitute(spec.endpoint.address, substitutionsAt(spec, "host"));
  const addresses = listed.length > 0 || anyHost === null ? listed : [anyHost];
  const name = addresses.find((address) => !isIpAddress(address));
  if (name === undefined) return [];
  const remedy = "the switch needs one: give each host its own under hosts, or leave out switch";
  return [endpointProblem("address", `"${name}" is no IP address, and ${remedy}`)];
}

/** As a rough look tells: the switch looks closer. */
function isIpAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || /^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+$/.test(text);
}

function countProblems({ running, stagedMax }: ServiceSpec): ServiceProblem[] {
  const problems: ServiceProblem[] = [];
  if (running.min > running.max) {
    const problem = `more than running.max (${running.max})`;
    problems.push({ path: ["running", "min"], problem });
  }
  if (stagedMax !== null && stagedMax < running.max) {
    const problem = `${stagedMax} is less than running.max (${running.max}): only staged members run`;
    problems.push({ path: ["stagedMax"], problem });
  }
  return problems;
}

function bootProblems({ template }: ServiceSpec): ServiceProblem[] {
  if (template.kernel !== null || template.image !== null) return [];
  return [{ path: ["template"], problem: "kernel, image: one of them is needed to boot from" }];
}

function placeholderProblems(spec: ServiceSpec): ServiceProblem[] {
  return textsOf(spec).flatMap(({ path, text }) =>
    [...new Set(placeholdersIn(text))].flatMap((key) => {
      const problem = placeholderProblem(spec, key);
      return problem === null ? [] : [{ path, problem }];
    }),
  );
}

/** Known are the built-in ones, those that all hosts have, and those that each named host has. */
function placeholderProblem(spec: ServiceSpec, key: string): string | null {
  if (key === "") return `$\{ is not closed, or empty: write \${key}`;
  if (substitutionsAt(spec, everyHost).has(key)) return null;
  const named = namedHosts(spec);
  const lacking = named.filter((host) => !substitutionsAt(spec, host).has(key));
  if (named.length > 0 && lacking.length === 0) return null;
  const where = lacking.length > 0 ? `hosts.${lacking[0]}` : `hosts."${everyHost}"`;
  return `nothing stands for \${${key}}: add it to ${where} (built in: \${host}, \${service})`;
}

function endpointProblems(spec: ServiceSpec): ServiceProblem[] {
  const problems: ServiceProblem[] = [];
  const taken = new Map<string, string>();
  const endpoints = endpointsOf(spec);
  for (const { host, address, port } of endpoints) {
    if (!addressPattern.test(address)) {
      problems.push(endpointProblem("address", `"${address}" is no address or name of a host`));
    }
    if (!isPort(port)) problems.push(endpointProblem("port", `"${port}" is no port`));
    const place = `${address} port ${port}`;
    const other = taken.get(place);
    if (other === undefined) taken.set(place, host);
    else problems.push(endpointProblem("address", `${place} on both ${other} and ${host}`));
  }
  if (problems.length === 0 && spec.stagedMax !== 1 && isSameEverywhere(spec)) {
    const [one] = endpoints;
    const place = `${one?.address} port ${one?.port}`;
    const problem = `${place} on every host: give each its own under hosts, or use \${host}`;
    problems.push(endpointProblem("address", problem));
  }
  return problems;
}

function endpointProblem(field: "address" | "port", problem: string): ServiceProblem {
  return { path: ["endpoint", field], problem };
}

/** True when nothing in the endpoint depends on the host. */
function isSameEverywhere(spec: ServiceSpec): boolean {
  const keys = [spec.endpoint.address, spec.endpoint.port].flatMap(placeholdersIn);
  const named = namedHosts(spec);
  return keys.every(
    (key) => key !== "host" && !named.some((host) => Object.hasOwn(spec.hosts[host] ?? {}, key)),
  );
}

function isPort(text: string): boolean {
  const port = Number(text);
  return /^[1-9][0-9]{0,4}$/.test(text) && port <= PORT_MAX;
}

function namedHosts({ hosts }: ServiceSpec): readonly string[] {
  return Object.keys(hosts).filter((name) => name !== everyHost);
}

/** Every text that is substituted, and where it stands. */
function textsOf({ template, endpoint }: ServiceSpec): { path: string[]; text: string }[] {
  const { kernel, image, network } = template;
  const texts = [
    { path: ["endpoint", "address"], text: endpoint.address },
    { path: ["endpoint", "port"], text: endpoint.port },
    network.kind === "user"
      ? { path: ["template", "network", "hostPort"], text: network.hostPort }
      : { path: ["template", "network", "bridge"], text: network.bridge },
  ];
  if (image) texts.push({ path: ["template", "image", "path"], text: image.path });
  if (kernel) {
    const path = ["template", "kernel"];
    texts.push({ path: [...path, "kernel", "path"], text: kernel.kernel.path });
    texts.push({ path: [...path, "cmdline"], text: kernel.cmdline });
    if (kernel.initrd) texts.push({ path: [...path, "initrd", "path"], text: kernel.initrd.path });
  }
  return texts;
}
