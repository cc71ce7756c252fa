import { HypervisorError, type HypervisorErrorCode } from "../hypervisor-error.ts";

/** What virsh says, and what it means for us; the first that fits. */
const MEANINGS: readonly [RegExp, HypervisorErrorCode, string][] = [
  [
    /authentication unavailable|Permission denied|authentication failed|polkit/i,
    "HYPERVISOR_MISSING",
    "the agent may not use this libvirt: run it as root, or put its user into the group libvirt " +
      "(usermod -aG libvirt evenkeel, then systemctl restart evenkeel)",
  ],
  [
    /failed to connect|Failed to connect socket|Disconnected from|End of file while reading|Cannot recv data|client socket is closed|internal client error|connection (was )?(reset|closed)/i,
    "HYPERVISOR_MISSING",
    "libvirtd does not answer: start it (systemctl start libvirtd), or set hypervisor.uri",
  ],
  [/Domain not found|failed to get domain/i, "VM_ABSENT", "there is no such domain here"],
  [/No space left|Disk quota exceeded/i, "STORAGE", "free space there"],
  [/already exists|already defined|already active/i, "VM_EXISTS", "it is here already"],
];

/** The error for what virsh wrote on stderr after `doing` something. */
export function virshError(doing: string, said: string, cause?: unknown): HypervisorError {
  const words = lastWords(said);
  const meaning = MEANINGS.find(([pattern]) => pattern.test(said));
  const [, code, remedy] = meaning ?? [null, "COMMAND_FAILED" as const, ""];
  const message = `${doing}: ${words}${remedy === "" ? "" : `: ${remedy}`}`;
  return new HypervisorError(message, { code, ...(cause === undefined ? {} : { cause }) });
}

/** The last error line without its prefix: virsh says what failed first, and why last. */
function lastWords(said: string): string {
  const lines = said
    .split("\n")
    .map((line) => line.replace(/^error: /, "").trim())
    .filter((line) => line !== "");
  return (lines.at(-1) ?? "virsh said nothing").slice(0, 500);
}
