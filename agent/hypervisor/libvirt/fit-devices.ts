import type { XmlNode } from "./xml-node.ts";

/** Whoever may listen there may do so on any host. */
const ANY_HOST = new Set(["0.0.0.0", "127.0.0.1", "::", "::1", "localhost"]);
const CHARACTER_DEVICES = ["serial", "parallel", "console", "channel", "smartcard", "redirdev"];

/** What ties the domain to this host, in words with the remedy; null for nothing. First found. */
export function deviceObstacle(domain: XmlNode): string | null {
  for (const rule of RULES) {
    const obstacle = rule(domain);
    if (obstacle !== null) return obstacle;
  }
  return null;
}

const RULES: readonly ((domain: XmlNode) => string | null)[] = [
  hostDevice,
  interfaceDevice,
  characterDevice,
  filesystem,
  sharedMemory,
  tpm,
  input,
  memoryDevice,
  graphics,
  display,
  security,
  invariantClock,
];

function hostDevice(domain: XmlNode): string | null {
  const device = domain
    .all("devices", "hostdev")
    .find((one) => one.at("teaming")?.attribute("type") !== "transient");
  if (device === undefined) return null;
  const kind = device.attribute("type") ?? "device";
  const address = device.at("source", "address");
  const bus = ["domain", "bus", "slot", "function", "device", "uuid"]
    .flatMap((name) => address?.attribute(name)?.replace(/^0x/, "") ?? [])
    .join(":");
  return `it has a device of this host (${`${kind} ${bus}`.trim()}): virsh detach-device it`;
}

function interfaceDevice(domain: XmlNode): string | null {
  for (const one of domain.all("devices", "interface")) {
    const kind = one.attribute("type") ?? "?";
    if (["hostdev", "vhostuser", "vdpa", "internal"].includes(kind)) {
      const isSpare = one.at("teaming")?.attribute("type") === "transient";
      if (!isSpare) return `its network interface is this host's own (${kind}): take a bridge`;
    }
  }
  return null;
}

function characterDevice(domain: XmlNode): string | null {
  for (const name of CHARACTER_DEVICES) {
    for (const one of domain.all("devices", name)) {
      const kind = one.attribute("type") ?? "pty";
      const path = one.at("source")?.attribute("path") ?? "";
      if (kind === "dev" || kind === "pipe" || kind === "host") {
        return `its ${name} is this host's ${path || kind}: take a pty or a file`;
      }
    }
  }
  return null;
}

function filesystem(domain: XmlNode): string | null {
  const one = domain.at("devices", "filesystem");
  if (one === undefined) return null;
  const path = one.at("source")?.attribute("dir") ?? one.at("source")?.attribute("socket") ?? "?";
  return `it has the folder ${path} of this host: virsh detach-device the filesystem`;
}

function sharedMemory(domain: XmlNode): string | null {
  const one = domain.at("devices", "shmem");
  return one === undefined
    ? null
    : `it shares memory with others on this host (shmem ${one.attribute("name") ?? ""}): remove it`;
}

function tpm(domain: XmlNode): string | null {
  const kind = domain.at("devices", "tpm", "backend")?.attribute("type");
  if (kind === undefined || kind === "emulator") return null;
  return `its TPM is this host's (${kind}): take an emulated one`;
}

function input(domain: XmlNode): string | null {
  const one = domain
    .all("devices", "input")
    .find((each) => ["passthrough", "evdev"].includes(each.attribute("type") ?? ""));
  return one === undefined ? null : "it has an input device of this host: virsh detach-device it";
}

function memoryDevice(domain: XmlNode): string | null {
  const one = domain
    .all("devices", "memory")
    .find((each) => (each.attribute("model") ?? "dimm") !== "dimm");
  if (one === undefined) return null;
  return `its memory device ${one.attribute("model")} stays on this host: remove it`;
}

/** The target cannot listen at an address that is not its own. */
function graphics(domain: XmlNode): string | null {
  for (const one of domain.all("devices", "graphics")) {
    for (const listen of one.children("listen")) {
      const address = listen.attribute("address");
      if (listen.attribute("type") !== "address" || address === undefined) continue;
      if (ANY_HOST.has(address)) continue;
      return `its ${one.attribute("type")} listens on ${address}, this host's own: 0.0.0.0 or 127.0.0.1 is at home anywhere`;
    }
  }
  return null;
}

function display(domain: XmlNode): string | null {
  const accelerated = domain
    .all("devices", "video", "model", "acceleration")
    .some((one) => one.attribute("accel3d") === "yes");
  return accelerated
    ? "its display is drawn by this host's graphics card (accel3d): switch that off"
    : null;
}

function security(domain: XmlNode): string | null {
  const kind = domain.at("launchSecurity")?.attribute("type");
  return kind === undefined ? null : `its memory is sealed to this host's processor (${kind})`;
}

function invariantClock(domain: XmlNode): string | null {
  const isPassed = domain
    .all("cpu", "feature")
    .some((one) => one.attribute("name") === "invtsc" && one.attribute("policy") === "require");
  if (isPassed) return "its processor has the feature invtsc: QEMU does not move it; drop it";
  const cpu = domain.at("cpu");
  const isPlain = cpu?.attribute("mode") !== "host-passthrough";
  if (isPlain || cpu?.attribute("migratable") !== "off") return null;
  return "its processor is passed through with migratable='off': set it to 'on'";
}
