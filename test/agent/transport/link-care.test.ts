import { describe, expect, it } from "vitest";
import { LinkCare } from "#agent/transport/link-care.ts";
import { type Link, Links } from "#agent/transport/links.ts";

interface Bench {
  readonly links: Links<Link>;
  readonly aborted: string[];
  readonly wanted: Set<string>;
  readonly newsless: Set<string>;
  run(fromMs: number, toMs: number): void;
}

function bench(): Bench {
  const time = { nowMs: 0 };
  const aborted: string[] = [];
  const links = new Links<Link>({
    self: "M",
    nowMs: () => time.nowMs,
    connected: () => undefined,
    disconnected: () => undefined,
    lost: () => undefined,
  });
  const wanted = new Set<string>();
  const newsless = new Set<string>();
  const care = new LinkCare({
    links,
    isWanted: (host) => wanted.has(host),
    hearsNews: (host) => !newsless.has(host),
  });
  const linkTo = (host: string, isDialled: boolean): Link => {
    const link: Link = {
      host,
      isDialled,
      hasRoom: true,
      silentForMs: () => 0,
      send: () => true,
      keepAlive: () => undefined,
      forgiveSilence: () => undefined,
      abort: (reason) => {
        aborted.push(`${host}: ${reason}`);
        links.remove(link);
      },
    };
    return link;
  };
  links.add(linkTo("dialled", true));
  links.add(linkTo("dialling", false));
  const run = (fromMs: number, toMs: number): void => {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 1_000) care.tick(nowMs, false);
  };
  return { links, aborted, wanted, newsless, run };
}

describe("LinkCare", () => {
  it("ends a link that it dialled and does not want for a minute, and leaves others'", () => {
    const { aborted, run } = bench();
    run(0, 59_000);
    expect(aborted).toEqual([]);
    run(60_000, 120_000);
    expect(aborted).toEqual(["dialled: no longer needed"]);
  });

  it("starts counting anew when a link was wanted in between", () => {
    const { aborted, wanted, run } = bench();
    run(0, 50_000);
    wanted.add("dialled");
    run(51_000, 52_000);
    wanted.clear();
    run(53_000, 110_000);
    expect(aborted).toEqual([]);
  });

  it("ends a link whose peer hears no news for ten seconds, whoever dialled it", () => {
    const { aborted, wanted, newsless, run } = bench();
    wanted.add("dialled");
    newsless.add("dialling");
    run(0, 9_000);
    expect(aborted).toEqual([]);
    run(10_000, 11_000);
    expect(aborted).toEqual(["dialling: no news subscription"]);
  });
});
