import type { Authorizer } from "../authorization/authorizer.js";
import type { Grant } from "../authorization/grant.js";
import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import { fromErrorMessage, type ErrorMessage } from "./error-message.js";
import { HandOver } from "./hand-over.js";
import type { OwnerLink } from "./owner-link.js";
import type { VaultReplica } from "./vault-replica.js";

/** Decides in a worker; asks the owner where something is counted. */
export interface RemoteAuthorizer extends Pick<Authorizer, "authorize" | "refresh"> {
  /** The owner's answer. */
  reserved(id: number, error: ErrorMessage | undefined): void;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (reason: VaultProxyError) => void;
}

/** @param local decides by the policies without their limits */
export function createRemoteAuthorizer(
  link: Pick<OwnerLink, "send">,
  replica: Pick<VaultReplica, "countingOf">,
  local: Authorizer,
): RemoteAuthorizer {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;

  return {
    authorize(token, action) {
      const counting = replica.countingOf(token);
      if (counting === "all") throw new HandOver();
      const grant = local.authorize(token, action);
      if (counting === "nothing") return grant;
      const id = (lastId += 1);
      const ready = new Promise<void>((resolve, reject) => waiting.set(id, { resolve, reject }));
      // Whoever has given up meanwhile does not listen.
      ready.catch(() => undefined);
      link.send({ type: "reserve", id, digest: token.digest, action });
      return counted(grant, ready, () => link.send({ type: "release", id }));
    },
    refresh: () => local.refresh(),
    reserved(id, error) {
      const found = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) found?.resolve();
      else found?.reject(fromErrorMessage(error));
    },
  };
}

/** A grant whose reservation is with the owner. */
function counted(grant: Grant, ready: Promise<void>, giveBack: () => void): Grant {
  let isOpen = true;
  return {
    rule: grant.rule,
    isRestricted: grant.isRestricted,
    command: grant.command,
    pathLists: grant.pathLists,
    ready,
    onWithdrawn: (end) => grant.onWithdrawn(end),
    takeBytes: () => undefined,
    takePassedBytes: () => undefined,
    release() {
      if (!isOpen) return;
      isOpen = false;
      grant.release();
      giveBack();
    },
  };
}
