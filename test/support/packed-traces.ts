/** Packed recordings of a few VMs, as bytes. */

export interface BitbrainsVm {
  readonly id: number;
  readonly cores: number;
  readonly memoryMiB: number;
  /** % x100 of all cores; 0xffff missing. */
  readonly cpu: readonly number[];
  /** Shares x200; 0xff missing. */
  readonly memory: readonly number[];
}

/** VM after VM, % of CPU. */
export function planetlabBytes(
  percents: readonly (readonly number[])[],
  names: string,
): Uint8Array {
  const samples = percents[0]?.length ?? 0;
  const size = 16 + percents.length * samples + names.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(latin("PLB1"));
  view.setUint32(4, percents.length, true);
  view.setUint32(8, samples, true);
  bytes.set(percents.flat(), 12);
  view.setUint32(12 + percents.length * samples, names.length, true);
  bytes.set(latin(names), 16 + percents.length * samples);
  return bytes;
}

export function bitbrainsBytes(vms: readonly BitbrainsVm[], stepSeconds = 300): Uint8Array {
  const samples = vms[0]?.cpu.length ?? 0;
  const cells = vms.length * samples;
  const bytes = new Uint8Array(20 + 14 * vms.length + 3 * cells);
  const view = new DataView(bytes.buffer);
  bytes.set(latin("BBV1"));
  for (const [index, value] of [vms.length, samples, stepSeconds, 1_375_000_000].entries()) {
    view.setUint32(4 + 4 * index, value, true);
  }
  for (const [index, { id, cores, memoryMiB }] of vms.entries()) {
    const offset = 20 + 14 * index;
    view.setUint32(offset, id, true);
    view.setUint16(offset + 4, cores, true);
    view.setFloat32(offset + 6, 2_600, true);
    view.setUint32(offset + 10, memoryMiB, true);
  }
  const start = 20 + 14 * vms.length;
  for (const [index, value] of vms.flatMap(({ cpu }) => cpu).entries()) {
    view.setUint16(start + 2 * index, value, true);
  }
  bytes.set(
    vms.flatMap(({ memory }) => memory),
    start + 2 * cells,
  );
  return bytes;
}

function latin(text: string): readonly number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}
