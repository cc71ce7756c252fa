// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import fc from "fast-check";
import type { MemberTemplate, ServiceSpec } from "#lib/model/service.ts";

/** Services as the reader gives them back: fields in its order, names of hosts in theirs. */
const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const spanMs = fc.integer({ min: 1, max: 3_600_000 });
const port = fc.integer({ min: 1, max: 65_535 });
const path = fc.stringMatching(/^\/[a-zA-Z][a-zA-Z0-9_.-]{0,20}(\/[a-zA-Z0-9_-]{1,20})?$/);
const digestedFile = fc.record({ path, sha256: hex(64) });

export const serviceName = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);

const kernel: fc.Arbitrary<NonNullable<MemberTemplate["kernel"]>> = fc.record({
  kernel: digestedFile,
  initrd: orNull(digestedFile),
  cmdline: fc.stringMatching(/^[a-z0-9 =.,]{0,40}$/),
});
const image: fc.Arbitrary<NonNullable<MemberTemplate["image"]>> = fc.record({
  path,
  sha256: hex(64),
  format: fc.constantFrom("raw", "qcow2" as const),
});
const disks: fc.Arbitrary<Pick<MemberTemplate, "kernel" | "image">> = fc.oneof(
  fc.record({ kernel, image: orNull(image) }),
  fc.record({ kernel: fc.constant(null), image }),
);
const network: fc.Arbitrary<MemberTemplate["network"]> = fc.oneof(
  fc.record({
    kind: fc.constant("user" as const),
    guestPort: port,
    hostPort: fc.oneof(port.map(String), fc.constant("${port}")),
  }),
  fc.record({
    kind: fc.constant("bridge" as const),
    bridge: fc.stringMatching(/^[a-z][a-z0-9]{0,14}$/),
  }),
);
const template: fc.Arbitrary<MemberTemplate> = fc
  .tuple(
    fc.record({
      vcpus: fc.integer({ min: 1, max: 512 }),
      memoryBytes: fc.oneof(
        fc.integer({ min: 1 << 20, max: 2 ** 46 }),
        fc.integer({ min: 1, max: 4096 }).map((mebibytes) => mebibytes * 2 ** 20),
      ),
      machine: fc.constantFrom("microvm", "q35", "pc" as const),
    }),
    disks,
    network,
    fc.constantFrom({}, { guestAgent: true } as const),
  )
  .map(([size, boot, net, agent]) => ({
    ...size,
    kernel: boot.kernel,
    image: boot.image,
    network: net,
    ...agent,
  }));
const hosts: fc.Arbitrary<ServiceSpec["hosts"]> = fc
  .uniqueArray(fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9.-]{0,12}$/), { maxLength: 5 })
  .map((names) => {
    const named = names
      .sort()
      .map((name, index) => [name, { address: `10.0.0.${index + 1}`, slot: `${index}` }] as const);
    return Object.fromEntries([["*", { address: "${host}", port: "8080" }] as const, ...named]);
  });
const running = fc
  .tuple(fc.integer({ min: 0, max: 1024 }), fc.integer({ min: 1, max: 1024 }))
  .map(([one, other]) => ({ min: Math.min(one, other), max: Math.max(one, other) }));

export const serviceSpec: fc.Arbitrary<ServiceSpec> = fc
  .record({
    name: serviceName,
    template,
    endpoint: fc.record({
      address: fc.constantFrom("${host}.example.org"),
      port: fc.oneof(port.map(String), fc.constant("${port}")),
    }),
    hosts,
    stagedMax: orNull(fc.integer({ min: 1, max: 1024 })),
    running,
    target: fc.oneof(
      fc.record({
        kind: fc.constant("cpuShare" as const),
        share: fc.double({ min: 0.01, max: 1, noNaN: true }),
      }),
      fc.record({
        kind: fc.constant("sessions" as const),
        perMember: fc.integer({ min: 1, max: 1_000_000 }),
      }),
    ),
    health: fc.record({
      path: fc.stringMatching(/^\/[a-z0-9/?=-]{0,20}$/),
      timeoutMs: spanMs,
      resumeMsMax: spanMs,
      bootMsMax: spanMs,
    }),
    drainMs: fc.integer({ min: 0, max: 3_600_000 }),
    settleMs: spanMs,
    backend: orNull(fc.stringMatching(/^[A-Za-z0-9_.:-]{1,20}$/)),
    connectionsPerMember: orNull(fc.integer({ min: 1, max: 100_000 })),
  })
  .map((spec) => ({
    ...spec,
    stagedMax: spec.stagedMax === null ? null : Math.max(spec.stagedMax, spec.running.max),
    ...atSwitch(spec),
  }));

/** A file says all of it beside the backend; and a switch takes addresses alone. */
function atSwitch({ backend, connectionsPerMember, hosts: named, endpoint }: SwitchFields) {
  const hasAddresses = Object.keys(named).length > 1;
  if (backend === null || !hasAddresses) return { backend: null, connectionsPerMember: null };
  return { connectionsPerMember, endpoint: { ...endpoint, address: "${address}" } };
}

type SwitchFields = Pick<ServiceSpec, "backend" | "connectionsPerMember" | "hosts" | "endpoint">;
