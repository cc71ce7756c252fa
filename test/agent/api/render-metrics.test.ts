import { describe, expect, it } from "vitest";
import { metricsOf } from "#agent/api/metrics-of.ts";
import { apiFixture } from "../../support/api-fixture.ts";
import { FakeAgentView } from "../../support/fake-agent-view.ts";
import { HOST_A, snapshotFixture, vmFixture } from "../../support/snapshot-fixture.ts";
import { socketRequest } from "../../support/socket-request.ts";

function metrics(snapshot = snapshotFixture()) {
  const view = new FakeAgentView();
  return metricsOf({ snapshot, transport: view.counters(), process: view.processFigures() });
}

describe("GET /metrics", () => {
  it("is Prometheus text with help, type and values", async () => {
    const { readSocketPath } = await apiFixture();
    const { status, text, headers } = await socketRequest(readSocketPath, "/metrics");
    expect(status).toBe(200);
    expect(headers["content-type"]).toContain("text/plain; version=0.0.4");
    for (const line of [
      "# TYPE evenkeel_members gauge",
      'evenkeel_members{state="alive"} 2',
      'evenkeel_members{state="dead"} 0',
      'evenkeel_alarms{code="in-doubt"} 1',
      'evenkeel_build_info{version="0.1.0"} 1',
      "evenkeel_host_cpu_measured_ratio 0.6",
      "# TYPE evenkeel_moves_out_total counter",
      "evenkeel_moves_out_total 2",
      'evenkeel_dropped_total{reason="malformed"} 3',
      "evenkeel_last_move_downtime_seconds 0.041",
      'evenkeel_host_vms{state="migrating"} 1',
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("answers the second scrape as it answered the first", async () => {
    const { socketPath } = await apiFixture();
    const first = await socketRequest(socketPath, "/metrics");
    expect((await socketRequest(socketPath, "/metrics")).text).toBe(first.text);
  });
});

describe("metricsOf()", () => {
  it("keeps to Prometheus's names: prefix, base units, counters in _total", () => {
    for (const { name, type, help } of metrics()) {
      expect(name).toMatch(/^evenkeel_[a-z_]+$/);
      expect(name.endsWith("_total")).toBe(type === "counter");
      expect(name).not.toMatch(/_(ms|mib|percent)(_|$)/);
      expect(help).toMatch(/\.$/);
    }
  });

  it("has as many series with a thousand VMs as with three", () => {
    const count = (snapshot = snapshotFixture()) =>
      metrics(snapshot).reduce((sum, { samples }) => sum + samples.length, 0);
    const vms = Array.from({ length: 1_000 }, (_, index) =>
      vmFixture(`vm-${index}`, HOST_A, "host-a", { state: index % 2 ? "running" : "migrating" }),
    );
    expect(count(snapshotFixture({ vms }))).toBe(count());
  });

  it("leaves out what cannot be had", () => {
    const names = metrics(snapshotFixture({ members: [], history: [] })).map(({ name }) => name);
    expect(names).not.toContain("evenkeel_host_cpu_measured_ratio");
    expect(names).not.toContain("evenkeel_last_move_downtime_seconds");
  });
});
