import { z } from "@hono/zod-openapi";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ReadFile } from "./auth-strategy.js";

/** A reference to an uploaded file. */
export const storedFileNameSchema = z.string().min(1).max(1024);

/**
 * @param field the field that names the file
 * @throws VaultProxyError `invalid_request` if there is no such file
 */
export async function readNamedFile(readFile: ReadFile, name: string, field: string): Promise<Buffer> {
  try {
    return await readFile(name);
  } catch (error) {
    if (!(error instanceof VaultProxyError) || error.code !== "not_found") throw error;
    throw new VaultProxyError("invalid_request", `${field}: no such file; upload it first`);
  }
}
