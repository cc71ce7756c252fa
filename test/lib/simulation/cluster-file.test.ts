import { describe, expect, it } from "vitest";
import { readClusterFile } from "#lib/simulation/cluster-file.ts";
import { SimulationInputError } from "#lib/simulation/input-error.ts";

const node = { name: "a", cores: 16, memMiB: 65_536, reservedMiB: 2_048 };
const vm = { name: "web", mem: 2_048, vcpu: 2, cores: 0.5, node: "a", disk: 20_480 };

const textOf = (nodes: unknown, vms: unknown) => JSON.stringify({ nodes, vms });

describe("readClusterFile()", () => {
  it("reads hosts and VMs in bytes and cores", () => {
    expect(readClusterFile(textOf([node], [vm]))).toEqual({
      hosts: [
        {
          name: "a",
          cpuCapacityCores: 16,
          memoryCapacityBytes: 64 * 2 ** 30,
          reservedMemoryBytes: 2 * 2 ** 30,
        },
      ],
      vms: [
        {
          name: "web",
          host: "a",
          cpuCores: 0.5,
          memoryBytes: 2 * 2 ** 30,
          diskBytes: 20 * 2 ** 30,
          vcpus: 2,
          dirtyBytesPerSecond: 0,
        },
      ],
    });
  });

  it("does without what can be done without, and ignores what it does not know", () => {
    const bare = { name: "b", cores: 2, mem: 64, node: "a", dirtyMiBps: 3, tags: ["x"] };
    const model = readClusterFile(textOf([{ name: "a", cores: 4, memMiB: 1_024 }], [bare]));
    expect(model.hosts[0]).toMatchObject({ reservedMemoryBytes: 0 });
    expect(model.vms[0]).toMatchObject({
      vcpus: 2,
      diskBytes: 0,
      dirtyBytesPerSecond: 3 * 2 ** 20,
    });
  });

  it("takes a cluster without VMs, and hosts that are fuller than full", () => {
    expect(readClusterFile(textOf([node], [])).vms).toEqual([]);
    const large = { ...vm, mem: 65_536, cores: 16 };
    const crowd = [large, { ...large, name: "too" }];
    expect(readClusterFile(textOf([node], crowd)).vms).toHaveLength(2);
  });

  it.each([
    ["nothing", "", /this is no JSON/],
    ["half of it", '{"nodes": [', /this is no JSON/],
    ["a list", "[]", /^the file: expected an object/],
    ["null", "null", /^the file: expected an object {…}, found null/],
    ["no nodes", "{}", /^nodes: expected a list \[…\], found nothing/],
    ["no vms", '{"nodes":[]}', /^vms: expected a list/],
    ["an empty cluster", textOf([], []), /^nodes: the list is empty/],
    ["a number for a host", textOf([7], []), /^nodes\[0\]: expected an object/],
    ["a nameless host", textOf([{ ...node, name: "" }], []), /^nodes\[0\].name: expected a name/],
    ["a name of two lines", textOf([{ ...node, name: "a\nb" }], []), /is no name/],
    ["a name without end", textOf([{ ...node, name: "x".repeat(300) }], []), /is no name/],
    ["negative cores", textOf([{ ...node, cores: -1 }], []), /^nodes\[0\].cores: .* found -1/],
    ["no cores at all", textOf([{ ...node, cores: 0 }], []), /^nodes\[0\].cores: .* found 0/],
    ["absurd cores", textOf([{ ...node, cores: 1e9 }], []), /found 1000000000/],
    ["memory as text", textOf([{ ...node, memMiB: "64G" }], []), /^nodes\[0\].memMiB: .* "64G"/],
    ["NaN", textOf([{ ...node, memMiB: Number.NaN }], []), /^nodes\[0\].memMiB: .* found null/],
    ["more reserved than there is", textOf([{ ...node, reservedMiB: 1e6 }], []), /reservedMiB/],
    ["two hosts of a name", textOf([node, node], []), /^nodes\[1\].name: there are two named "a"/],
    ["two VMs of a name", textOf([node], [vm, vm]), /^vms\[1\].name: there are two named "web"/],
    ["a VM nowhere", textOf([node], [{ ...vm, node: "z" }]), /"web" is on "z", which is not among/],
    ["a VM without a node", textOf([node], [{ ...vm, node: undefined }]), /^vms\[0\].node: /],
    ["a VM that burns less than nothing", textOf([node], [{ ...vm, cores: -0.1 }]), /found -0.1/],
    ["a VM without memory", textOf([node], [{ ...vm, mem: 0 }]), /^vms\[0\].mem: /],
    [
      "a VM larger than its host",
      textOf([node], [{ ...vm, mem: 65_537 }]),
      /^vms\[0\].mem: 65537 /,
    ],
    ["a VM busier than its host", textOf([node], [{ ...vm, cores: 17 }]), /nobody burns 17 cores/],
    ["infinite memory", textOf([node], [vm]).replace("2048,", "1e999,"), /^vms\[0\].mem: /],
    ["a negative disk", textOf([node], [{ ...vm, disk: -5 }]), /^vms\[0\].disk: /],
    ["too many hosts", textOf(Array(20_001).fill(node), []), /are more than the 20000/],
  ])("refuses %s in one line that names the place", (_, text, message) => {
    const read = () => readClusterFile(text);
    expect(read).toThrow(SimulationInputError);
    expect(read).toThrow(message);
    expect(read).not.toThrow(/\n/);
  });
});
