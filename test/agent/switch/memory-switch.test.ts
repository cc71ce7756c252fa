import { MemorySwitch } from "../../support/memory-switch.ts";
import { type SwitchRig, switchContract } from "../../support/switch-contract.ts";

switchContract("MemorySwitch", async (): Promise<SwitchRig> => {
  const table = new MemorySwitch();
  const ports = new Map<string, number>();
  table.addBackend("web");
  table.addBackend("fixed", false);
  return {
    switch: table,
    backend: "web",
    staticBackend: "fixed",
    endpoint: async (server) => {
      const port = ports.get(server) ?? 8000 + ports.size;
      ports.set(server, port);
      return { address: "127.0.0.1", port };
    },
    send: async () => {
      const session = await table.request("web");
      return session && { server: session.server, finish: async () => session.finish() };
    },
    restart: async () => table.restart(),
    close: async () => {},
  };
});
