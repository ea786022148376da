import { isUtf8 } from "node:buffer";
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

/** What may stand in a `Content-Type`. */
const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

const fileSchema = z.looseObject({
  mime_type: z.string().default(""),
  // encoding/json writes a []byte as standard base64, and a nil one as null.
  data: z.base64().nullish(),
});

const anyObject = z.looseObject({});
/** By name. Not a z.record, which would drop the name `__proto__`. */
const byName = z.custom<object>((value) => anyObject.safeParse(value).success).nullish();
const vaultSchema = z.looseObject({ services: byName, files: byName });

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
  const { services, files } = check(vaultSchema, parseJson(plaintext));
  return {
    services: new Map(entriesOf(services).map(([name, service]) => [name, check(anyObject, service)])),
    files: new Map(
      entriesOf(files).map(([name, file]) => {
        const { mime_type, data } = check(fileSchema, file);
        const mimeType = PRINTABLE.test(mime_type) ? mime_type : UNKNOWN_MIME_TYPE;
        return [name, { mimeType, bytes: Buffer.from(data ?? "", "base64") }];
      }),
    ),
  };
}

function entriesOf(byName: object | null | undefined): [string, unknown][] {
  return Object.entries(byName ?? {});
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new DamagedVaultFileError("the Go vault does not have the right fields");
  return parsed.data;
}

function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new DamagedVaultFileError("the Go vault is not UTF-8");
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new DamagedVaultFileError("the Go vault is not JSON");
  }
}
