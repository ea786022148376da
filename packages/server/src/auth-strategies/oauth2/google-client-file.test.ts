import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { parseGoogleClientFile } from "./google-client-file.js";

const SECRET = "GOCSPX-a-very-secret-one";
const CLIENT = {
  client_id: "1234.apps.googleusercontent.com",
  project_id: "a-project",
  auth_uri: "https://accounts.google.com/o/oauth2/auth",
  token_uri: "https://accounts.google.com/o/oauth2/token",
  auth_provider_x509_cert_url: "https://www.googleapis.com/oauth2/v1/certs",
  client_secret: SECRET,
  redirect_uris: ["http://localhost"],
};

const parse = (file: unknown) => parseGoogleClientFile(Buffer.from(JSON.stringify(file)));

function refusalOf(read: () => unknown): VaultProxyError {
  try {
    read();
  } catch (error) {
    if (error instanceof VaultProxyError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("a client file of Google", () => {
  test.each(["installed", "web"] as const)("of kind %s is read", (kind) => {
    const client = parse({ [kind]: CLIENT });
    expect(client).toMatchObject({
      kind,
      clientId: CLIENT.client_id,
      authUrl: CLIENT.auth_uri,
      tokenUrl: CLIENT.token_uri,
      redirectUris: ["http://localhost"],
    });
    expect(client.clientSecret?.reveal()).toBe(SECRET);
    expect(JSON.stringify(client)).not.toContain(SECRET);
  });

  test("without endpoints means Google's", () => {
    expect(parse({ installed: { client_id: "1", client_secret: "2" } })).toMatchObject({
      authUrl: "https://accounts.google.com/o/oauth2/v2/auth",
      tokenUrl: "https://oauth2.googleapis.com/token",
      redirectUris: [],
    });
  });

  test("of kind installed needs no client_secret, as one for Android", () => {
    expect(parse({ installed: { client_id: "1" } }).clientSecret).toBeUndefined();
  });

  test("may begin with a byte order mark", () => {
    const bytes = Buffer.from(`\uFEFF${JSON.stringify({ web: CLIENT })}`);
    expect(parseGoogleClientFile(bytes).kind).toBe("web");
  });

  test.each<[string, unknown]>([
    ["is the key of a service account", { type: "service_account", private_key: SECRET, client_email: "a" }],
    ["holds a user's token", { type: "authorized_user", client_id: "1", client_secret: SECRET }],
    ["holds a user's token", { refresh_token: SECRET }],
    ["has neither installed nor web", {}],
    ["has neither installed nor web", CLIENT],
    ["must hold a JSON object", [SECRET]],
    ["must hold a JSON object", SECRET],
    ["must hold a JSON object", null],
    ["holds both installed and web", { installed: CLIENT, web: CLIENT }],
    ["installed must be an object", { installed: [CLIENT] }],
    ["web must be an object", { web: SECRET }],
    ["installed.client_id is missing", { installed: { ...CLIENT, client_id: undefined } }],
    ["installed.client_id must be a string", { installed: { ...CLIENT, client_id: 7 } }],
    ["installed.client_id must not be empty", { installed: { ...CLIENT, client_id: "" } }],
    ["web.client_secret is missing", { web: { ...CLIENT, client_secret: null } }],
    ["web.client_secret holds characters", { web: { ...CLIENT, client_secret: `${SECRET}\n` } }],
    ["web.client_secret is too long", { web: { ...CLIENT, client_secret: SECRET.repeat(1000) } }],
    ["web.token_uri must be a string", { web: { ...CLIENT, token_uri: {} } }],
    ["web.redirect_uris must be an array", { web: { ...CLIENT, redirect_uris: "http://localhost" } }],
    ["web.redirect_uris.1 must be a string", { web: { ...CLIENT, redirect_uris: ["http://localhost", 1] } }],
    [
      "web.redirect_uris holds too many entries",
      { web: { ...CLIENT, redirect_uris: Array(101).fill("http://localhost") } },
    ],
  ])("is refused where it %s", (reason, file) => {
    const error = refusalOf(() => parse(file));
    expect(error.code).toBe("invalid_request");
    expect(error.message.startsWith(`client_secret_file: ${reason}`), error.message).toBe(true);
    expect(error.message).not.toContain(SECRET);
  });

  test("is refused where it is not JSON, not UTF-8, or larger than any such file", () => {
    const secretText = Buffer.from(`{"web": ${SECRET}`);
    expect(refusalOf(() => parseGoogleClientFile(secretText)).message).toBe(
      "client_secret_file: is not JSON",
    );
    expect(refusalOf(() => parseGoogleClientFile(Buffer.from([0x22, 0xff, 0x22]))).message).toBe(
      "client_secret_file: is not JSON",
    );
    const large = Buffer.from(JSON.stringify({ web: CLIENT, more: "x".repeat(70_000) }));
    expect(refusalOf(() => parseGoogleClientFile(large)).message).toMatch(/is larger than 64 KiB/);
  });

  test("takes nothing that an object inherits", () => {
    const bytes = Buffer.from(`{"web": {"__proto__": ${JSON.stringify(CLIENT)}}}`);
    expect(refusalOf(() => parseGoogleClientFile(bytes)).message).toMatch(/web\.client_id is missing/);
  });

  test("is read or refused, whatever stands in it", () => {
    const field = fc.oneof(fc.string(), fc.jsonValue());
    const client = fc.record(
      { client_id: field, client_secret: field, auth_uri: field, token_uri: field, redirect_uris: field },
      { requiredKeys: [] },
    );
    const file = fc.oneof(
      fc.record({ installed: fc.oneof(client, fc.jsonValue()), web: client }, { requiredKeys: [] }),
      fc.jsonValue(),
    );
    const bytes = fc.oneof(
      fc.uint8Array(),
      file.map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          const read = parseGoogleClientFile(input);
          expect(read.clientId).not.toBe("");
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_request" });
        }
      }),
    );
  });
});
