/**
 * Fails on any import that points up or sideways, on cycles, and on files without a floor.
 *
 * dependency-cruiser reads the imports (type-only ones included), floors.ts judges them.
 * A run that sees fewer modules than there are source files is refused: with a compiler that
 * dependency-cruiser cannot use it would find none and call that a pass.
 */
import { globSync } from "node:fs";
import { cruise, type IDependency, type IModule } from "dependency-cruiser";
import { floorOf, type Import, objectionTo } from "./floors.ts";

const ROOTS = ["agent", "lib"];

async function main(): Promise<number> {
  const sources = globSync(ROOTS.map((root) => `${root}/**/*.ts`)).sort();
  if (sources.length === 0) {
    console.log("arch: there are no sources under agent/ and lib/ yet, so nothing to check");
    return 0;
  }
  const modules = await readModules();
  const objections = [
    ...missingSources(sources, modules),
    ...sources
      .filter((path) => floorOf(path) === undefined)
      .map((path) => `${path} stands on no floor: give its folder one in scripts/floors.ts`),
    ...modules.flatMap(objectionsToModule),
  ];
  for (const objection of new Set(objections)) console.error(`arch: ${objection}`);
  const imports = modules.reduce((sum, module) => sum + module.dependencies.length, 0);
  console.log(
    `arch: ${modules.length} modules, ${imports} imports, ${objections.length} objections`,
  );
  return objections.length === 0 ? 0 : 1;
}

async function readModules(): Promise<IModule[]> {
  const { output } = await cruise(ROOTS, {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    validate: true,
    ruleSet: {
      forbidden: [{ name: "no-cycle", severity: "error", from: {}, to: { circular: true } }],
    },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types"],
    },
  });
  if (typeof output === "string") throw new Error("dependency-cruiser returned text, not a result");
  return output.modules.filter((module) => isSource(module.source));
}

function missingSources(sources: readonly string[], modules: readonly IModule[]): string[] {
  const seen = new Set(modules.map((module) => module.source));
  return sources
    .filter((path) => !seen.has(path))
    .map((path) => `${path} was not read: is the installed TypeScript one with a compiler API?`);
}

function objectionsToModule(module: IModule): string[] {
  return module.dependencies.flatMap((dependency) => {
    const objection = objectionTo(toImport(module.source, dependency));
    const cycle = dependency.circular
      ? [`${module.source} and ${dependency.resolved} import each other`]
      : [];
    return objection === undefined ? cycle : [objection, ...cycle];
  });
}

function toImport(from: string, dependency: IDependency): Import {
  const typeOnly = dependency.dependencyTypes.includes("type-only");
  if (dependency.coreModule) return { from, to: dependency.module, kind: "node", typeOnly };
  if (dependency.couldNotResolve)
    return { from, to: dependency.module, kind: "unresolved", typeOnly };
  if (dependency.resolved.includes("node_modules/")) {
    return { from, to: packageName(dependency.module), kind: "package", typeOnly };
  }
  return { from, to: dependency.resolved, kind: "source", typeOnly };
}

function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function isSource(path: string): boolean {
  return ROOTS.some((root) => path.startsWith(`${root}/`));
}

process.exitCode = await main();
