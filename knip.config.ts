import type { KnipConfig } from "knip";

const config: KnipConfig = {
  entry: [
    "agent/{main,cli}.ts",
    "agent/channel/main.ts",
    "scripts/*.ts",
    "scripts/lab/make-guest.ts",
    "test/**/*.ts",
  ],
  project: ["{agent,lib,scripts,test}/**/*.ts"],
  // Debian's, not npm's: tests and benches that need them say so.
  ignoreBinaries: [
    "dpkg-deb",
    "gcc",
    "groff",
    "ip",
    "man",
    "mount",
    "umount",
    "nsenter",
    "openssl",
    "qemu-img",
    "qemu-io",
    "socat",
    "strip",
    "unshare",
  ],
  // A union's members have names of their own for readers, whoever uses them alone.
  ignoreExportsUsedInFile: { interface: true, type: true },
};

export default config;
