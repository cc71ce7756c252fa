import { HaproxyRig } from "../support/haproxy-rig.ts";
import { switchContract } from "../support/switch-contract.ts";

switchContract("HaproxySwitch with a real HAProxy", () => HaproxyRig.make());
