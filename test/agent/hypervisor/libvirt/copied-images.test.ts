import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  copiesObjection,
  fullness,
  makeImage,
  removeImages,
} from "#agent/hypervisor/libvirt/copied-images.ts";
import type { LibvirtSettings } from "#agent/hypervisor/libvirt/libvirt-options.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

function scene() {
  const folder = temporaryFolder();
  const settings = { copiedRoots: [folder], hostRoot: "" } as unknown as LibvirtSettings;
  const copy = (name: string, usedBytes = 1) => {
    return { path: join(folder, name), format: "raw", sizeBytes: 1024, usedBytes } as const;
  };
  return { settings, copy };
}

describe("copiesObjection()", () => {
  it("lets an image come for which there is a place and room", async () => {
    const { settings, copy } = scene();
    expect(await copiesObjection(settings, [copy("a.raw")])).toBeNull();
    expect(await fullness(settings, [copy("a.raw").path])).toBeNull();
  });

  it("names what stands in the way", async () => {
    const { settings, copy } = scene();
    const objection = (one: object) => copiesObjection(settings, [{ ...copy("a.raw"), ...one }]);
    expect(await objection({ path: "/etc/a.raw" })).toMatch(/none of hypervisor\.copiedRoots here/);
    const sneaky = `${settings.copiedRoots[0]}/../a.raw`;
    expect(await objection({ path: sneaky })).toMatch(/none of hypervisor\.copiedRoots/);
    expect(await objection(copy("deep/a.raw"))).toMatch(/deep is not here: mkdir/);
    expect(await objection(copy("a.raw", 2 ** 60))).toMatch(/free space there/);
    writeFileSync(copy("a.raw").path, "somebody's");
    expect(await objection(copy("a.raw"))).toMatch(/is here already, and would be overwritten/);
  });
});

describe("makeImage()", () => {
  it("never touches, or takes for its own, what is there already", async () => {
    const { settings, copy } = scene();
    const { path } = copy("a.raw");
    writeFileSync(path, "somebody's");
    const noted: boolean[] = [];
    const making = makeImage(settings, copy("a.raw"), async (isOurs) => {
      noted.push(isOurs);
    });
    await expect(making).rejects.toMatchObject({ code: "EEXIST" });
    expect(noted).toEqual([true, false]);
    expect(readFileSync(path, "utf8")).toBe("somebody's");
    await removeImages(settings, [path, `${path}.gone`]);
    expect(existsSync(path)).toBe(false);
  });
});
