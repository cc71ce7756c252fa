import { execFileSync } from "node:child_process";
import { gunzipSync, zstdDecompressSync } from "node:zlib";

/** Fields of a bzImage's header (Documentation/arch/x86/boot.rst). */
const SETUP_SECTORS = 0x1f1;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SECTOR_BYTES = 512;
/** The payload ends with its unpacked size. */
const SIZE_BYTES = 4;
const UNPACKED_BYTES_MAX = 512 << 20;

/** Ways to unpack a payload, by its first bytes. */
const UNPACKERS: readonly { magic: string; unpack: (packed: Buffer) => Buffer }[] = [
  { magic: "02214c18", unpack: (packed) => pipe("lz4", ["-d", "-q"], packed) },
  { magic: "fd377a58", unpack: (packed) => pipe("xz", ["-dc"], packed) },
  { magic: "1f8b08", unpack: (packed) => gunzipSync(packed) },
  { magic: "28b52ffd", unpack: (packed) => zstdDecompressSync(packed) },
];

/** The ELF kernel inside a bzImage: QEMU boots it without the slow unpacking inside the guest. */
export function unpackKernel(image: Buffer): Buffer {
  const setupBytes = (image.readUInt8(SETUP_SECTORS) + 1) * SECTOR_BYTES;
  const start = setupBytes + image.readUInt32LE(PAYLOAD_OFFSET);
  const end = start + image.readUInt32LE(PAYLOAD_LENGTH) - SIZE_BYTES;
  const packed = image.subarray(start, end);
  const hex = packed.subarray(0, SIZE_BYTES).toString("hex");
  const unpacker = UNPACKERS.find(({ magic }) => hex.startsWith(magic));
  if (unpacker === undefined) throw new Error(`the kernel is packed in an unknown way (${hex})`);
  const kernel = unpacker.unpack(packed);
  if (kernel.toString("latin1", 1, 4) !== "ELF") throw new Error("there is no ELF in the kernel");
  return kernel;
}

function pipe(command: string, args: readonly string[], input: Buffer): Buffer {
  return execFileSync(command, args, { input, maxBuffer: UNPACKED_BYTES_MAX });
}
