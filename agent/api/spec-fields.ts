import { isAbsolute, normalize } from "node:path";
import * as z from "zod";
import { vmLimits } from "#lib/model/vm-spec.ts";

const UNIT_BYTES: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DURATION_WORDS = 'must be a time span such as "500ms", "30s", "10m" or "1h"';

/** As it may become an argument of the hypervisor. */
export const absolutePath = z
  .string()
  .max(vmLimits.pathLengthMax)
  .refine((path) => isAbsolute(path) && normalize(path) === path, "must be a plain absolute path")
  // QEMU reads a comma as the next option, and a NUL ends the text for the kernel.
  .refine((path) => !/[,\p{Cc}]/u.test(path), "must not contain commas or control characters");

/** Bytes, or a text such as "128MiB". */
export const memory = z
  .union([z.number(), z.string()], { error: 'must be a size such as "128MiB", or bytes' })
  .transform((value, context) => {
    const bytes = typeof value === "number" ? value : bytesOf(value);
    if (bytes !== undefined && isMemorySize(bytes)) return bytes;
    context.addIssue({
      code: "custom",
      message: `must be a size such as "128MiB", or bytes, from ${vmLimits.memoryBytesMin} to ${vmLimits.memoryBytesMax}; got ${JSON.stringify(value)}`,
    });
    return z.NEVER;
  });

/** A text such as "30s", as ms. Without its unit nobody could tell which was meant. */
export const duration = z.string({ error: DURATION_WORDS }).transform((value, context) => {
  const match = /^([0-9]{1,9}) ?(ms|s|m|h)$/.exec(value);
  if (match !== null) return Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? 1);
  context.addIssue({
    code: "custom",
    message: `${DURATION_WORDS}; got ${JSON.stringify(value)}`,
  });
  return z.NEVER;
});

function bytesOf(text: string): number | undefined {
  const match = /^([0-9]{1,15}) ?(B|KiB|MiB|GiB|TiB)?$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (UNIT_BYTES[match[2] ?? "B"] ?? 1);
}

function isMemorySize(bytes: number): boolean {
  const { memoryBytesMin, memoryBytesMax } = vmLimits;
  return Number.isSafeInteger(bytes) && bytes >= memoryBytesMin && bytes <= memoryBytesMax;
}

/** A group of VMs that are kept together, or apart. */
export const groupName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be 1 to 63 of a-z, 0-9 and -");
