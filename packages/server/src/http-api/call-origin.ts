import type { Context } from "hono";
import { justificationOf } from "../audit/justification.js";
import type { CallOrigin } from "../ssh/ssh-call-audit.js";
import type { ControlPlaneParts } from "./control-plane.js";

/** Where a call comes from, for the audit log. @throws VaultProxyError `invalid_request` for a justification that is too long */
export function originOf(
  c: Context,
  parts: Pick<ControlPlaneParts, "requestIdOf" | "responseOf">,
): CallOrigin {
  return {
    request_id: parts.requestIdOf(c),
    client: parts.responseOf(c).req.socket.remoteAddress,
    justification: justificationOf(c.req.header()),
  };
}
