import type { ServiceInfo, VaultClient } from "@vault-proxy/client";

/** The names of the uploaded files that a service needs. */
export function keyFilesOf(service: ServiceInfo): string[] {
  const { ssh_key_file_ref: ssh, key_file: key, client_key_file: client, file_ref: account } = service;
  return [...new Set([ssh, key, client, account].filter((name) => name !== undefined))];
}

/** Whether a service needs the file. @param except one that does not count */
export async function isFileUsed(client: VaultClient, file: string, except?: string): Promise<boolean> {
  const services = await client.listServices();
  return services.some((service) => service.name !== except && keyFilesOf(service).includes(file));
}
