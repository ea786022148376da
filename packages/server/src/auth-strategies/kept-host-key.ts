import { sshUseOf, type ServiceRecord } from "./service-definition.js";

/**
 * A changed or replaced service with the host key of the stored one, as long as it is the same server and no other key is
 * given: a new key file or description must not make the vault trust whatever answers next.
 */
export function withHostKeyOf(stored: ServiceRecord | undefined, changed: ServiceRecord): ServiceRecord {
  const use = sshUseOf(changed);
  const storedUse = stored === undefined || stored.unchecked === true ? undefined : sshUseOf(stored);
  if (stored === undefined || use === undefined || storedUse === undefined) return changed;
  const { host, port, hostKey } = storedUse.access(stored.auth);
  const next = use.access(changed.auth);
  const isSameServer = next.host.toLowerCase() === host.toLowerCase() && next.port === port;
  if (!isSameServer || next.hostKey !== undefined || hostKey === undefined) return changed;
  return { ...changed, auth: use.withHostKey(changed.auth, hostKey) };
}
