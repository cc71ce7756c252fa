import * as z from "zod";
import { isServiceName, serviceLimits } from "#lib/model/service.ts";
import { vmLimits } from "#lib/model/vm-spec.ts";
import { absolutePath, duration, memory } from "./spec-fields.ts";

const { hostsMax, membersMax, nameLengthMax, substitutionsMax, textLengthMax, timeMsMax } =
  serviceLimits;

const name = z
  .string()
  .refine(
    isServiceName,
    `must be 1 to ${nameLengthMax} of a-z, 0-9 and -, neither first nor last a -`,
  );

const text = z
  .string()
  .min(1)
  .max(textLengthMax)
  .regex(/^[^\s\p{Cc}]*$/u, "must not contain spaces or control characters");

const port = z.int().min(1).max(65_535);
/** A port, or a placeholder for one. */
const portText = z.union([port.transform(String), text]);

const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be 64 hex digits, as sha256sum prints them");
const file = { path: absolutePath, sha256 };

const kernel = z.strictObject({
  ...file,
  initrd: z.strictObject(file).nullable().default(null),
  cmdline: z
    .string()
    .max(vmLimits.cmdlineLengthMax)
    .regex(/^\P{Cc}*$/u, "must not contain control characters")
    .default(""),
});

const network = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({ kind: z.literal("user"), guestPort: port, hostPort: portText }),
    z.strictObject({ kind: z.literal("bridge"), bridge: text }),
  ],
  { error: "must be {kind: user, …} or {kind: bridge, …}" },
);

const template = z.strictObject({
  memory,
  vcpus: z.int().min(1).max(vmLimits.vcpusMax).default(1),
  machine: z.enum(["microvm", "q35", "pc"]).default("microvm"),
  kernel: kernel.nullable().default(null),
  image: z
    .strictObject({ ...file, format: z.enum(["raw", "qcow2"]) })
    .nullable()
    .default(null),
  network,
  guestAgent: z.boolean().default(false),
});

/** YAML reads `port: 8080` as a number: it is the same text. */
const substitution = z.union([
  z.int().transform(String),
  z
    .string()
    .max(textLengthMax)
    .regex(/^\P{Cc}*$/u, "must not contain control characters"),
]);
const substitutions = z
  .record(z.string(), substitution)
  .refine((values) => Object.keys(values).length <= substitutionsMax, {
    error: `at most ${substitutionsMax} substitutions for one host`,
  });
const hosts = z
  .record(z.string(), substitutions)
  .refine((named) => Object.keys(named).length <= hostsMax, { error: `at most ${hostsMax} hosts` });

const span = duration.refine((ms) => ms <= timeMsMax, {
  error: `must be at most ${timeMsMax / 3_600_000}h`,
});

const running = z.strictObject({
  min: z.int().min(0).max(membersMax),
  max: z.int().min(1).max(membersMax),
});

const target = z.union(
  [
    z.strictObject({ cpuShare: z.number().min(0.01).max(1) }),
    z.strictObject({ sessionsPerMember: z.int().min(1).max(1_000_000) }),
  ],
  { error: "must be {cpuShare: 0.6} or {sessionsPerMember: 20}" },
);

const health = z.strictObject({
  path: z
    .string()
    .max(textLengthMax)
    .regex(/^\/[!-~]*$/, "must be the path of a URL, such as /health")
    .default("/"),
  timeout: span.default(1_000),
  resumeWithin: span.default(10_000),
  bootWithin: span.default(120_000),
});

const backend = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, "must be the name of a backend of HAProxy");

const connectionsPerMember = z
  .int()
  .min(1)
  .max(serviceLimits.connectionsMax)
  .nullable()
  .default(null);

/** A service as an admin writes it: YAML or JSON, unknown keys refused, defaults filled in. */
export const serviceSpecSchema = z.strictObject({
  name,
  template,
  endpoint: z.strictObject({ address: text, port: portText }),
  hosts: hosts.default({}),
  staged: z
    .union([z.literal("all"), z.int().min(1).max(hostsMax)], {
      error: `must be all, or a number of hosts from 1 to ${hostsMax}`,
    })
    .default("all"),
  running,
  target,
  health: health.prefault({}),
  drain: span.default(30_000),
  settle: span.default(30_000),
  switch: z.strictObject({ backend, connectionsPerMember }).nullable().default(null),
});
