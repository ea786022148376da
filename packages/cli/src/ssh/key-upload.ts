import type { ServiceDefinition, ServiceInfo, VaultClient } from "@vault-proxy/client";

/** What names of files are tried before giving up on a short one. */
const MAX_NUMBER = 100;

/**
 * Stores a private key, and then a service that logs in with it. A file that is there stays as it is, since another
 * service may need it; of a service that is refused, no key stays behind.
 */
export async function addServiceWithKey(
  client: VaultClient,
  definition: ServiceDefinition,
  key: string,
): Promise<ServiceInfo> {
  const file = freeName(definition.name, new Set((await client.listFiles()).map(({ name }) => name)));
  await client.uploadFile(file, new TextEncoder().encode(key));
  try {
    const auth = { ...definition.auth, ssh_key_file_ref: file } as ServiceDefinition["auth"];
    return await client.addService({ ...definition, auth });
  } catch (error) {
    await client.deleteFile(file).catch(() => undefined);
    throw error;
  }
}

function freeName(service: string, taken: ReadonlySet<string>): string {
  for (let number = 1; number < MAX_NUMBER; number++) {
    const name = `${service}${number === 1 ? "" : `-${number}`}.key`;
    if (!taken.has(name)) return name;
  }
  return `${service}-${Date.now()}.key`;
}
