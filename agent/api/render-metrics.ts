import type { AgentView } from "../ports/agent-view.ts";
import { metricsOf } from "./metrics-of.ts";

/**
 * The page for Prometheus, in its text format. The library is loaded at the first scrape: an agent
 * that nobody scrapes does not pay for it.
 */
export async function renderMetrics(view: AgentView): Promise<{
  readonly text: string;
  readonly contentType: string;
}> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  const metrics = metricsOf({
    snapshot: view.snapshot(),
    transport: view.counters(),
    process: view.processFigures(),
  });
  for (const { name, help, type, samples } of metrics) {
    const labelNames = Object.keys(samples[0]?.labels ?? {});
    const options = { name, help, labelNames, registers: [registry] };
    if (type === "counter") {
      const counter = new Counter(options);
      for (const { labels, value } of samples) counter.inc(labels, value);
    } else {
      const gauge = new Gauge(options);
      for (const { labels, value } of samples) gauge.set(labels, value);
    }
  }
  return { text: await registry.metrics(), contentType: registry.contentType };
}
