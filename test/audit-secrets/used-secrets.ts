/**
 * Every secret that the tests of this file's process have used so far. One for the process, since whatever sends a request
 * adds to it, and whatever stops a server searches for all of it.
 */
const used = new Set<string>();

/** Shorter ones stand in a log by chance. */
const SHORTEST = 8;
/** A word of small letters, such as `password`, is no secret that could be told from the name of a path or an action. */
const ORDINARY_WORD = /^[a-z_/.-]{0,15}$/;
/** What a test sends that is longer is a payload. */
const LONGEST_BODY = 256 * 1024;

/** Fields that hold a secret wherever they stand in a body. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  ...["password", "current", "new", "recovery_key", "ssh_password", "ssh_key", "private_key", "passphrase"],
  ...["token", "access_token", "refresh_token", "id_token", "client_secret", "header_value", "url_token"],
  ...["device_code", "code_verifier", "client_assertion"],
]);
/** The same in the `auth` object of a service, whose types may get more. */
const SECRET_IN_AUTH = /token|secret|pass|key|credential|value/;
const NO_SECRET_IN_AUTH = /(_url|_file|_ref|_type|_id|_name|_path|_parameter|_header|_fingerprint|host_key)$/;

export function noteSecret(secret: string): void {
  if (secret.length >= SHORTEST && !ORDINARY_WORD.test(secret)) used.add(secret);
}

export function usedSecrets(): ReadonlySet<string> {
  return used;
}

/** Takes the secrets out of a JSON body; any other body is none of its business. */
export function noteSecretsOfBody(body: string): void {
  if (!body.startsWith("{") || body.length > LONGEST_BODY) return;
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return;
  }
  noteFields(parsed, (field) => SECRET_FIELDS.has(field));
}

const isSecretInAuth = (field: string): boolean =>
  SECRET_IN_AUTH.test(field) && !NO_SECRET_IN_AUTH.test(field);

function noteFields(value: unknown, isSecret: (field: string) => boolean): void {
  if (typeof value !== "object" || value === null) return;
  for (const [field, inner] of Object.entries(value)) {
    if (typeof inner === "string") {
      if (isSecret(field)) noteSecret(inner);
    } else if (field === "auth") noteFields(inner, isSecretInAuth);
    // A service of type `headers` has a secret in each of them.
    else if (field === "headers" && isSecret === isSecretInAuth) noteFields(inner, () => true);
    else noteFields(inner, isSecret);
  }
}
