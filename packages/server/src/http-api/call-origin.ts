import type { CallOrigin } from "../ssh/ssh-call-audit.js";
import type { ControlContext } from "./audit-trail.js";
import type { ControlPlaneParts } from "./control-plane.js";

/** Where a call comes from, which records itself in the audit log whatever becomes of it. */
export function originOf(
  c: ControlContext,
  parts: Pick<ControlPlaneParts, "requestIdOf" | "clientOf">,
): CallOrigin {
  c.set("isRecorded", true);
  return {
    request_id: parts.requestIdOf(c),
    client: parts.clientOf(c),
    justification: c.get("justification"),
  };
}
