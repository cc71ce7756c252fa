import { describe, expect, it } from "vitest";
import { HostLoadEstimate } from "#lib/core/host-load-estimate.ts";
import { emptyLoad } from "../../support/node-driver.ts";

const traffic = (otherNetworkBytesPerSecond: number | null) => ({
  ...emptyLoad,
  otherNetworkBytesPerSecond,
});

describe("HostLoadEstimate.observe()", () => {
  it("takes a transfer of its own for none of the host's traffic", () => {
    const estimate = new HostLoadEstimate();
    for (let second = 1; second <= 5; second++) {
      estimate.observe(traffic(100), false, second * 1000);
    }
    const during = estimate.observe(traffic(1e9), true, 6000);
    expect(during.otherNetworkBytesPerSecond).toBe(100);
    expect(estimate.observe(traffic(100), false, 60_000).otherNetworkBytesPerSecond).toBe(100);
  });

  it("smooths what the host itself needs, and leaves unknown what is unknown", () => {
    const estimate = new HostLoadEstimate();
    for (let second = 1; second <= 5; second++) {
      estimate.observe({ ...traffic(null), otherCpuCores: 1 }, false, second * 1000);
    }
    const spike = estimate.observe({ ...traffic(null), otherCpuCores: 9 }, false, 6000);
    expect(spike.otherCpuCores).toBeLessThan(3);
    expect(spike.otherNetworkBytesPerSecond).toBeNull();
  });
});
