import type { Snapshot } from "#lib/core/snapshot.ts";
import { ApiError, BadRequestError } from "./api-error.ts";
import { renderExplanation } from "./render-explanation.ts";
import { renderMember } from "./render-member.ts";
import { renderCandidate, renderHistory, renderMove } from "./render-move.ts";
import { renderOneService, renderService } from "./render-service.ts";
import { renderStatus } from "./render-status.ts";
import { renderVm } from "./render-vm.ts";
import type { Route, RouteRequest, VerbMaker } from "./route.ts";
import {
  defineVerb,
  hostVerb,
  migrateVerb,
  modeVerb,
  resolveVerb,
  serviceApplyVerb,
  serviceDeleteVerb,
  serviceScaleVerb,
  setVerb,
  shutdownVerb,
  stopVerb,
  vmVerb,
} from "./verb-of-request.ts";

/** Everything that the sockets answer; NAME stands for one part of the path. */
export const routes: Readonly<Record<string, Route>> = Object.freeze({
  "GET /v1/status": read(renderStatus),
  "GET /v1/members": read((snapshot) => ({ members: snapshot.members.map(renderMember) })),
  "GET /v1/vms": read((snapshot) => ({ vms: snapshot.vms.map((vm) => renderVm(snapshot, vm)) })),
  "GET /v1/vms/NAME": read(renderOneVm),
  "GET /v1/plan": read(renderPlan),
  "GET /v1/moves": read((snapshot) => ({
    moves: snapshot.moves.map((move) => renderMove(snapshot, move)),
  })),
  "GET /v1/moves/NAME": read(renderOneMove),
  "GET /v1/history": read((snapshot) => ({ history: renderHistory(snapshot) })),
  "GET /v1/explain/NAME": { kind: "ask", verb: vmVerb("explain"), render: renderExplanation },
  "GET /v1/services": read((snapshot) => ({ services: snapshot.services.map(renderService) })),
  "GET /v1/services/NAME": read(renderOneService),
  "GET /v1/shutdown": read(({ shutdown }) => ({ shutdown })),
  "GET /v1/events": { kind: "events" },
  "GET /metrics": { kind: "metrics" },
  "POST /v1/mode": verb(modeVerb),
  "POST /v1/shutdown": verb(shutdownVerb),
  "POST /v1/hosts/NAME/drain": verb(hostVerb("drain")),
  "POST /v1/hosts/NAME/undrain": verb(hostVerb("undrain")),
  "POST /v1/vms": verb(defineVerb),
  "POST /v1/vms/NAME/start": verb(vmVerb("start")),
  "POST /v1/vms/NAME/stop": verb(stopVerb),
  "POST /v1/vms/NAME/suspend": verb(vmVerb("suspend")),
  "POST /v1/vms/NAME/resume": verb(vmVerb("resume")),
  "POST /v1/vms/NAME/migrate": verb(migrateVerb),
  "POST /v1/vms/NAME/cancel": verb(vmVerb("cancel")),
  "POST /v1/vms/NAME/set": verb(setVerb),
  "POST /v1/vms/NAME/undefine": verb(vmVerb("undefine")),
  "POST /v1/vms/NAME/resolve": verb(resolveVerb),
  "POST /v1/services": verb(serviceApplyVerb),
  "POST /v1/services/NAME/delete": verb(serviceDeleteVerb),
  "POST /v1/services/NAME/scale": verb(serviceScaleVerb),
});

/** The route of a request and the name in its path. Throws ApiError 404, or 405 with what would fit. */
export function findRoute(method: string, path: string): { route: Route; name: string } {
  const fitting: string[] = [];
  for (const [key, route] of Object.entries(routes)) {
    const [routeMethod = "", pattern = ""] = key.split(" ");
    const name = matchPath(pattern, path);
    if (name === undefined) continue;
    if (routeMethod === method) return { route, name };
    fitting.push(routeMethod);
  }
  if (fitting.length > 0) {
    throw new ApiError("METHOD_NOT_ALLOWED", `${path} takes ${fitting.join(", ")} only`);
  }
  const start = path.slice(0, 80);
  throw new ApiError("NOT_FOUND", `no such path: ${start}; the status is at /v1/status`);
}

/** The decoded NAME ("" for a pattern without one), or undefined when the path does not fit. */
function matchPath(pattern: string, path: string): string | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  let name = "";
  for (const [index, part] of wanted.entries()) {
    const text = given[index] ?? "";
    if (part === "NAME") name = decodePart(text);
    else if (part !== text) return undefined;
  }
  return name;
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new BadRequestError("the path is not percent-encoded text", { cause: error });
  }
}

function read(render: (snapshot: Snapshot, request: RouteRequest) => unknown): Route {
  return { kind: "read", render };
}

function verb(maker: VerbMaker): Route {
  return { kind: "verb", verb: maker };
}

function renderPlan(snapshot: Snapshot) {
  return {
    mode: snapshot.mode,
    keyed: snapshot.keyed,
    reason: snapshot.plan.reason,
    moves: snapshot.plan.moves.map((move) => renderCandidate(snapshot, move)),
    considered: snapshot.considered.map((weighed) => renderCandidate(snapshot, weighed)),
    shifts: snapshot.shifts.map((weighed) => renderCandidate(snapshot, weighed)),
  };
}

function renderOneVm(snapshot: Snapshot, { name }: RouteRequest) {
  const vm = snapshot.vms.find((entry) => entry.name === name);
  if (vm === undefined) throw new ApiError("NOT_FOUND", `no VM "${name}": see /v1/vms`);
  const spec = snapshot.ownedSpecs.find((owned) => owned.name === name) ?? null;
  return { vm: renderVm(snapshot, vm), spec };
}

/** All that this host knows of one move, under way or ended; nulls for what it does not. */
function renderOneMove(snapshot: Snapshot, { name: moveId }: RouteRequest) {
  const move = snapshot.moves.find((entry) => entry.moveId === moveId);
  const vm = snapshot.vms.find((entry) => entry.move === moveId);
  return {
    moveId,
    move: move === undefined ? null : renderMove(snapshot, move),
    vm: vm === undefined ? null : renderVm(snapshot, vm),
    outcome: renderHistory(snapshot).find((outcome) => outcome.moveId === moveId) ?? null,
  };
}
