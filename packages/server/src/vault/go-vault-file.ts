import { z } from "zod";
import { NONCE_BYTES, SALT_BYTES, TAG_BYTES, type KdfCost } from "./header.js";
import { openBytes } from "./segment-cipher.js";
import { DamagedVaultFileError, WrongPasswordError } from "./vault-file-error.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";

/*
 * The Go server's vault.enc: salt (16 bytes) ‖ nonce (12) ‖ AES-256-GCM ciphertext and tag, no additional data. The key
 * is Argon2id of the password. The plaintext is JSON: services and files by name, each possibly null for none.
 */

/** The Go server's fixed cost. */
const GO_KDF_COST: KdfCost = { memoryKib: 65_536, passes: 3, lanes: 4 };
const SHORTEST_BYTES = SALT_BYTES + NONCE_BYTES + TAG_BYTES;
const NO_ADDITIONAL_DATA = Buffer.alloc(0);
const UNKNOWN_MIME_TYPE = "application/octet-stream";

export interface GoVault {
  /** Each as it stands in the JSON, secrets in clear. */
  readonly services: ReadonlyMap<string, object>;
  readonly files: ReadonlyMap<string, { readonly mimeType: string; readonly bytes: Buffer }>;
}

const fileSchema = z.looseObject({
  mime_type: z.string().max(255).default(""),
  // encoding/json writes a []byte as standard base64, and a nil one as null.
  data: z.base64().nullish(),
});

const vaultSchema = z.looseObject({
  services: z.record(z.string(), z.looseObject({})).nullish(),
  files: z.record(z.string(), fileSchema).nullish(),
});

/**
 * @throws {WrongPasswordError}
 * @throws {DamagedVaultFileError} for bytes that no Go server wrote, as far as one can see without or with the key.
 */
export async function openGoVaultFile(
  bytes: Buffer,
  derive: (salt: Buffer, cost: KdfCost) => Promise<Buffer>,
): Promise<GoVault> {
  if (bytes.length < SHORTEST_BYTES || bytes.length > VAULT_FILE_LIMITS.fileBytes) {
    throw new DamagedVaultFileError("not a vault file");
  }
  const nonceStart = SALT_BYTES;
  const ciphertextStart = nonceStart + NONCE_BYTES;
  const tagStart = bytes.length - TAG_BYTES;
  const key = await derive(bytes.subarray(0, nonceStart), GO_KDF_COST);
  const plaintext = openBytes(
    key,
    bytes.subarray(nonceStart, ciphertextStart),
    NO_ADDITIONAL_DATA,
    bytes.subarray(ciphertextStart, tagStart),
    bytes.subarray(tagStart),
  );
  key.fill(0);
  if (plaintext === undefined) throw new WrongPasswordError();
  try {
    return toGoVault(plaintext);
  } finally {
    plaintext.fill(0);
  }
}

function toGoVault(plaintext: Buffer): GoVault {
  const parsed = vaultSchema.safeParse(parseJson(plaintext));
  if (!parsed.success) throw new DamagedVaultFileError("the Go vault does not have the right fields");
  const { services, files } = parsed.data;
  return {
    services: new Map(Object.entries(services ?? {})),
    files: new Map(
      Object.entries(files ?? {}).map(([name, { mime_type, data }]) => [
        name,
        { mimeType: mime_type || UNKNOWN_MIME_TYPE, bytes: Buffer.from(data ?? "", "base64") },
      ]),
    ),
  };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new DamagedVaultFileError("the Go vault is not JSON");
  }
}
