import * as z from "zod";
import { isVmName } from "#lib/model/ids.ts";
import { changedPolicy, noPolicy } from "#lib/model/policy-change.ts";
import { policyDefaults, priorityMax, shutdownPolicies, vmLimits } from "#lib/model/vm-spec.ts";
import { absolutePath, groupName, memory } from "./spec-fields.ts";

/** `[a-z0-9-]` as the model has it: names become file names, unit names and QEMU arguments. */
const name = z
  .string()
  .refine(isVmName, "must be 1 to 63 of a-z, 0-9 and -, neither first nor last a -");

const port = z.int().min(1).max(65_535);

const forward = z.strictObject({
  protocol: z.enum(["tcp", "udp"]).default("tcp"),
  hostPort: port,
  guestPort: port,
});

const network = z.union([
  z.literal("none").transform(() => ({ kind: "none" as const })),
  z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("none") }),
    z.strictObject({
      kind: z.literal("user"),
      forwards: z.array(forward).max(vmLimits.forwardsMax).default([]),
    }),
    z.strictObject({
      kind: z.literal("bridge"),
      // IFNAMSIZ is 16 with the closing NUL.
      bridge: z.string().regex(/^[A-Za-z0-9_.-]{1,15}$/, "must be the name of a bridge"),
      mac: z
        .string()
        .regex(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, "must be like 52:54:00:12:34:56")
        .optional(),
    }),
  ]),
]);

const group = groupName.nullable().default(null);

const policy = z
  .strictObject({
    pin: z.string().min(1).max(64).nullable().default(null),
    ignore: z.boolean().default(false),
    antiAffinityGroup: group,
    affinityGroup: group,
    managed: z.boolean().default(true),
    priority: z.int().min(0).max(priorityMax).default(policyDefaults.priority),
    shutdown: z.enum(shutdownPolicies).default(policyDefaults.shutdown),
  })
  .refine(({ affinityGroup, antiAffinityGroup }) => {
    return affinityGroup === null || affinityGroup !== antiAffinityGroup;
  }, "affinityGroup and antiAffinityGroup are the same: VMs cannot be kept both together and apart")
  // A default is written as nothing.
  .transform((written) => changedPolicy(noPolicy, written));

const kernel = z.strictObject({
  path: absolutePath,
  initrd: absolutePath.nullable().default(null),
  cmdline: z
    .string()
    .max(vmLimits.cmdlineLengthMax)
    .regex(/^\P{Cc}*$/u, "must not contain control characters")
    .default(""),
});

/** A VM spec as an admin writes it: YAML or JSON, unknown keys refused, defaults filled in. */
export const vmSpecSchema = z.strictObject({
  name,
  vcpus: z.int().min(1).max(vmLimits.vcpusMax).default(1),
  memory: memory.optional(),
  memoryBytes: z.int().min(vmLimits.memoryBytesMin).max(vmLimits.memoryBytesMax).optional(),
  machine: z.enum(["microvm", "q35", "pc"]).default("microvm"),
  kernel: kernel.nullable().default(null),
  disks: z
    .array(z.strictObject({ path: absolutePath, format: z.enum(["raw", "qcow2"]) }))
    .max(vmLimits.disksMax)
    .default([]),
  network: network.default({ kind: "none" }),
  guestAgent: z.boolean().default(false),
  policy: policy.default(noPolicy),
});
