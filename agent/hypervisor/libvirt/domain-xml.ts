import type { VmNetwork, VmSpec } from "#lib/model/vm-spec.ts";
import { escapedXml } from "./escaped-xml.ts";
import { policyAttributes, policyNamespace } from "./policy-element.ts";

/** Marks the domains that evenkeel made, and may undefine. */
export const domainNamespace = "urn:evenkeel:domain:1";

export interface DomainOptions {
  readonly spec: VmSpec;
  readonly accelerator: "kvm" | "tcg";
  /** libvirt's name of a CPU model; null: the host's own with kvm, libvirt's default with tcg. */
  readonly cpuModel: string | null;
}

/** Where libvirt's own log files of a guest lie, too; its console output goes beside them. */
export function consolePath(vm: string): string {
  return `/var/log/libvirt/qemu/${vm}-console.log`;
}

/** A domain from a spec (libvirt.org/formatdomain.html). Everything is escaped. */
export function domainXml({ spec, accelerator, cpuModel }: DomainOptions): string {
  const { kernel } = spec;
  return [
    `<domain type='${accelerator === "kvm" ? "kvm" : "qemu"}'>`,
    `<name>${escapedXml(spec.name)}</name>`,
    `<metadata><evenkeel:made xmlns:evenkeel='${domainNamespace}'/>`,
    `<evenkeel:policy xmlns:evenkeel='${policyNamespace}' ${policyAttributes(spec.policy)}/></metadata>`,
    `<memory unit='b'>${spec.memoryBytes}</memory>`,
    `<vcpu>${spec.vcpus}</vcpu>`,
    `<os><type arch='x86_64' machine='${escapedXml(spec.machine)}'>hvm</type>`,
    ...(kernel === null ? ["<boot dev='hd'/>"] : [`<kernel>${escapedXml(kernel.path)}</kernel>`]),
    ...(kernel?.initrd ? [`<initrd>${escapedXml(kernel.initrd)}</initrd>`] : []),
    ...(kernel ? [`<cmdline>${escapedXml(kernel.cmdline)}</cmdline>`] : []),
    "</os><features><acpi/></features>",
    cpuXml(accelerator, cpuModel),
    "<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>",
    "<devices>",
    ...spec.disks.map(diskXml),
    networkXml(spec.network),
    `<serial type='file'><source path='${escapedXml(consolePath(spec.name))}' append='on'/>`,
    "<target port='0'/></serial>",
    "<controller type='usb' model='none'/><memballoon model='virtio'/>",
    "</devices></domain>",
    "",
  ].join("\n");
}

function cpuXml(accelerator: "kvm" | "tcg", cpuModel: string | null): string {
  if (cpuModel !== null) {
    return `<cpu mode='custom' match='exact'><model fallback='forbid'>${escapedXml(cpuModel)}</model></cpu>`;
  }
  return accelerator === "kvm" ? "<cpu mode='host-model'/>" : "";
}

function diskXml({ path, format }: VmSpec["disks"][number], index: number): string {
  const target = `vd${String.fromCharCode("a".charCodeAt(0) + index)}`;
  return (
    `<disk type='file' device='disk'><driver name='qemu' type='${format}' cache='none'/>` +
    `<source file='${escapedXml(path)}'/><target dev='${target}' bus='virtio'/></disk>`
  );
}

function networkXml(network: VmNetwork): string {
  if (network.kind === "none") return "";
  const model = "<model type='virtio'/>";
  if (network.kind === "user") return `<interface type='user'>${model}</interface>`;
  const { bridge, mac } = network;
  return (
    `<interface type='bridge'><source bridge='${escapedXml(bridge)}'/>` +
    `<mac address='${escapedXml(mac)}'/>${model}</interface>`
  );
}
