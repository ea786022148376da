import type { ServiceDefinition, ServiceInfo, ServicePatch, VaultClient } from "@vault-proxy/client";

import { isFileUsed } from "../stored-key-files.js";

/** What names of files are tried before giving up on a short one. */
const MAX_NUMBER = 100;

/** Marks a key that was stored for one service: what others upload has another media type. */
const KEY_MEDIA_TYPE = "application/vnd.vault-proxy.ssh-key";

/**
 * Stores a private key, and then a service that logs in with it. A file that is there stays as it is, since another
 * service may need it; of a service that is refused, no key stays behind.
 * @param replaced the service that was there: a key that was stored for it alone goes
 */
export async function addServiceWithKey(
  client: VaultClient,
  definition: ServiceDefinition,
  key: string,
  replaced?: ServiceInfo,
): Promise<ServiceInfo> {
  return storeWithKey(client, definition.name, key, replaced, (file) => {
    const auth = { ...definition.auth, ssh_key_file_ref: file };
    return client.addService({ ...definition, auth } as ServiceDefinition);
  });
}

/** The same for a service that changes. */
export async function changeServiceWithKey(
  client: VaultClient,
  service: ServiceInfo,
  patch: ServicePatch,
  key: string,
): Promise<ServiceInfo> {
  return storeWithKey(client, service.name, key, service, (file) =>
    client.patchService(service.name, { ...patch, auth: { ...patch.auth, ssh_key_file_ref: file } }),
  );
}

async function storeWithKey(
  client: VaultClient,
  name: string,
  key: string,
  replaced: ServiceInfo | undefined,
  store: (file: string) => Promise<ServiceInfo>,
): Promise<ServiceInfo> {
  const file = freeName(name, new Set((await client.listFiles()).map((stored) => stored.name)));
  await client.uploadFile(file, new Blob([key], { type: KEY_MEDIA_TYPE }));
  try {
    const stored = await store(file);
    await removeFormerKey(client, name, replaced?.ssh_key_file_ref).catch(() => undefined);
    return stored;
  } catch (error) {
    await client.deleteFile(file).catch(() => undefined);
    throw error;
  }
}

async function removeFormerKey(client: VaultClient, name: string, file: string | undefined): Promise<void> {
  if (file !== undefined && (await isStoredFor(client, name, file)) && !(await isFileUsed(client, file)))
    await client.deleteFile(file);
}

/** Whether {@link storeWithKey} stored the file for the service: it has the name and the media type that are given there. */
export async function isStoredFor(client: VaultClient, service: string, file: string): Promise<boolean> {
  if (!isKeyOf(service, file)) return false;
  return (await client.listFiles()).some(
    ({ name, mime_type: type }) => name === file && type === KEY_MEDIA_TYPE,
  );
}

function isKeyOf(service: string, file: string): boolean {
  return file.startsWith(service) && /^(?:-\d{1,16})?\.key$/.test(file.slice(service.length));
}

function freeName(service: string, taken: ReadonlySet<string>): string {
  for (let number = 1; number < MAX_NUMBER; number++) {
    const name = `${service}${number === 1 ? "" : `-${number}`}.key`;
    if (!taken.has(name)) return name;
  }
  return `${service}-${Date.now()}.key`;
}
