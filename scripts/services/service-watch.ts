import { setTimeout as pause } from "node:timers/promises";
import type { OneServiceAnswer, ServiceMemberAnswer } from "#agent/cli/answers.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { BackendView } from "#lib/model/switch.ts";
import { memberNameOf } from "#lib/services/member-name.ts";
import { serverName } from "#lib/services/switch-plan.ts";
import type { NoticeEvent } from "../../test/support/agent-api.ts";
import type { AgentHost } from "../../test/support/agent-host.ts";
import { bootMsOf } from "./boot-watch.ts";
import { type DemoCluster, SERVICE } from "./demo-cluster.ts";
import { ResumeTimes } from "./resume-times.ts";

/** Between two looks at HAProxy: while a member is on its way, and else. */
const LOOK_MS = { coming: 20, else: 200 } as const;

/** Something that a host told of its member, ms since 1970. */
export interface Happening {
  readonly atMs: number;
  readonly host: string;
  readonly state: string;
}

/** How many members the switch sends requests to, from this moment on; ms since 1970. */
export interface ServingCount {
  readonly atMs: number;
  readonly count: number;
}

/** Looks on at a service: what its hosts tell, and what HAProxy makes of it. */
export class ServiceWatch {
  readonly resumes = new ResumeTimes();
  readonly happenings: Happening[] = [];
  readonly serving: ServingCount[] = [];
  readonly bootsMs: number[] = [];
  readonly #cluster: DemoCluster;
  readonly #ending = new AbortController();
  readonly #hostOf = new Map<string, string>();
  readonly #unfollow: (() => void)[] = [];
  #looking: Promise<void> = Promise.resolve();
  #view: BackendView | null = null;

  constructor(cluster: DemoCluster) {
    this.#cluster = cluster;
  }

  /** What HAProxy showed last. */
  get view(): BackendView | null {
    return this.#view;
  }

  /** To be called before the service is declared, so that nothing is missed. */
  async start(): Promise<void> {
    for (const host of this.#cluster.fleet.hosts) {
      const member = memberNameOf(SERVICE, (await host.api.status()).host as HostId);
      if (member === null) throw new Error(`${host.name} can have no member of ${SERVICE}`);
      this.#hostOf.set(serverName(member), host.name);
      this.#unfollow.push(await host.api.follow((notice) => this.#heard(host, member, notice)));
    }
    this.#looking = this.#look();
  }

  /** The members as one agent shows them, by the names of their hosts. */
  async members(): Promise<readonly ServiceMemberAnswer[]> {
    const { api } = this.#cluster.fleet.host(1);
    const { service } = await api.get<OneServiceAnswer>(`/v1/services/${SERVICE}`);
    return service.members.toSorted((a, b) => (a.host < b.host ? -1 : 1));
  }

  /** Rejects with what looking at HAProxy failed on, if it did. */
  async stop(): Promise<void> {
    for (const unfollow of this.#unfollow) unfollow();
    this.#ending.abort();
    await this.#looking;
  }

  #heard(host: AgentHost, member: string, { at, code, facts }: NoticeEvent): void {
    if (code !== "service-member" || facts["service"] !== SERVICE) return;
    const happening = { atMs: Date.parse(at), host: host.name, state: String(facts["state"]) };
    this.happenings.push(happening);
    this.resumes.told(host.name, happening.state, happening.atMs);
    if (happening.state !== "staging") return;
    bootMsOf(host, member, this.#ending.signal).then(
      (ms) => this.bootsMs.push(ms),
      // The demonstration has ended before the boot has.
      () => undefined,
    );
  }

  async #look(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const view = await this.#cluster.haproxy.observe();
      this.#saw(view, Date.now());
      const ms = this.resumes.isWaiting ? LOOK_MS.coming : LOOK_MS.else;
      await pause(ms, undefined, { signal }).catch(() => undefined);
    }
  }

  #saw(view: BackendView, atMs: number): void {
    this.#view = view;
    const ready = view.servers.filter(({ state }) => state === "ready");
    for (const { name } of ready) {
      const host = this.#hostOf.get(name);
      if (host !== undefined) this.resumes.ready(host, atMs);
    }
    if (this.serving.at(-1)?.count === ready.length) return;
    this.serving.push({ atMs, count: ready.length });
  }
}
