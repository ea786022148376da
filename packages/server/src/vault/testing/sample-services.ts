import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Secret } from "../../redaction/secret.js";
import { parseVaultFile, type ParsedVaultFile } from "../format.js";
import type { Collection, Vault } from "../vault.js";

/** A record such as a service's, with a secret in it. */
export interface SampleService {
  readonly url: string;
  readonly token: Secret;
}

export const WRONG_PASSWORD = new Secret("incorrect horse battery");

export const REFUSED = { code: "unauthorized", message: "wrong password or damaged vault file" };

export function services(vault: Vault): Collection<SampleService> {
  return vault.collection<SampleService>("services");
}

export function sampleService(name: string): SampleService {
  return { url: `https://${name}.example`, token: new Secret(`secret of ${name}`) };
}

/** Adds a service and gives how many there are then. */
export function addService(vault: Vault, name: string): Promise<number> {
  return services(vault).change((records) => records.set(name, sampleService(name)).size);
}

export async function parsedVaultFile(directory: string): Promise<ParsedVaultFile> {
  return parseVaultFile(await readFile(join(directory, "vault.enc")));
}
