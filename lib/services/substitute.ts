import type { ServiceSpec } from "../model/service.ts";

/** A value, or in words why there is none: what is wrong in a service file is no bug of ours. */
export type OrObjection<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly objection: string };

const placeholder = /\$\{([^{}]*)\}/g;

/** Fills the `${key}` of a service's texts for one host. Values are taken as they are, once. */
export class Substitution {
  readonly #service: ServiceSpec;
  readonly #hostName: string;

  constructor(service: ServiceSpec, hostName: string) {
    this.#service = service;
    this.#hostName = hostName;
  }

  /** `field` names the text in an objection. */
  fill(field: string, text: string): OrObjection<string> {
    let missing: string | undefined;
    const value = text.replace(placeholder, (whole, key: string) => {
      const found = this.#valueOf(key);
      if (found === undefined) missing ??= key;
      return found ?? whole;
    });
    if (missing === undefined) return { ok: true, value };
    const service = this.#service.name;
    const objection =
      `service ${service}: ${field} wants \${${missing}}, which host ${this.#hostName} has not: ` +
      `give hosts.${this.#hostName}.${missing}, or hosts.*.${missing} for all`;
    return { ok: false, objection };
  }

  #valueOf(key: string): string | undefined {
    if (key === "host") return this.#hostName;
    if (key === "service") return this.#service.name;
    return this.#given(this.#hostName, key) ?? this.#given("*", key);
  }

  /** Names come from outside: `constructor` is not a substitution. */
  #given(host: string, key: string): string | undefined {
    const { hosts } = this.#service;
    const values = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
    return values && Object.hasOwn(values, key) ? values[key] : undefined;
  }
}
