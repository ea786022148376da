import { sshUseOf, type ServiceRecord } from "../auth-strategies/service-definition.js";
import { isSavedHostKey, savedFingerprint } from "../auth-strategies/ssh-host-key.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { connectSsh, hostKeyMismatch } from "./ssh-connection.js";
import type { SshKeys } from "./ssh-keys.js";
import type { ConnectService } from "./ssh-connections.js";

export interface ConnectServiceParts {
  readonly keys: SshKeys;
  /** Changes the committed services; see `Collection.change`. */
  readonly change: (mutate: (records: Map<string, ServiceRecord>) => boolean) => Promise<boolean>;
  /** Told of each host key that a first connection has saved, before that is used. @throws what ends the connection */
  readonly onFirstUse: (service: string, fingerprint: string) => Promise<void>;
}

/** Connects with the stored credential, and keeps the host key of a first connection. */
export function createServiceConnector({ keys, change, onFirstUse }: ConnectServiceParts): ConnectService {
  return async function connectService(record, signal, onHostKey) {
    const access = sshUseOf(record)?.access(record.auth);
    if (access === undefined) throw new VaultProxyError("internal", "this service is not reached by SSH");
    const privateKey = access.keyFile === undefined ? undefined : await keys.read(record.name, access);
    return connectSsh(
      { ...access, allowPrivate: record.allow_private, privateKey },
      {
        signal,
        onHostKey,
        async rememberHostKey(shown) {
          const isSaved = await change((records) => remember(records, record, shown));
          if (isSaved) await onFirstUse(record.name, savedFingerprint(shown));
        },
      },
    );
  };
}

/**
 * Two first connections may be made at once, and an admin may give the key meanwhile: the first to be saved counts.
 *
 * @returns whether it is this one
 */
function remember(records: Map<string, ServiceRecord>, used: ServiceRecord, shown: string): boolean {
  const current = records.get(used.name);
  const use = current === undefined ? undefined : sshUseOf(current);
  if (current === undefined || use === undefined)
    throw new VaultProxyError("not_found", "this service was deleted");
  const { host, port, hostKey } = use.access(current.auth);
  const usedFor = use.access(used.auth);
  if (host !== usedFor.host || port !== usedFor.port)
    throw new VaultProxyError("conflict", "this service was changed meanwhile; try again");
  if (hostKey === undefined) {
    records.set(used.name, { ...current, auth: use.withHostKey(current.auth, shown) });
    return true;
  }
  const publicKey = Buffer.from(shown.split(" ")[1] ?? "", "base64");
  if (!isSavedHostKey(hostKey, publicKey)) throw hostKeyMismatch(hostKey, publicKey);
  return false;
}
