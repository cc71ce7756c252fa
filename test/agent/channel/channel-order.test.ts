import { getCiphers } from "node:tls";
import { describe, expect, it } from "vitest";
import { channelTls } from "#agent/channel/channel-order.ts";

describe("channelTls", () => {
  it("names one suite of TLS 1.3 that this Node has", () => {
    expect(getCiphers()).toContain(channelTls.ciphers.toLowerCase());
    expect([channelTls.minVersion, channelTls.maxVersion]).toEqual(["TLSv1.3", "TLSv1.3"]);
  });
});
