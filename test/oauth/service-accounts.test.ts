import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { decodeJwt, jwtVerify, type JWTVerifyResult } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { call, type Answered } from "../live/vault-calls.js";
import { expectRefusal, startRefreshWorld, type RefreshWorld } from "./refresh-world.js";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "./scripted-token-endpoint.js";

/*
 * Credentials that are keys: what the server signs is verified by a library of somebody else's at the far end.
 */

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const EMAIL = "robot@project.iam.gserviceaccount.test";
const SCOPES = [
  "https://www.googleapis.com/auth/drive.readonly",
  "https://www.googleapis.com/auth/gmail.send",
];
const HOUR_S = 3600;

let world: RefreshWorld;
let endpoint: ScriptedTokenEndpoint;
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed = generateKeyPairSync("ed25519");
const pem = (key: KeyObject, type: "pkcs8" | "pkcs1" | "sec1" = "pkcs8"): string =>
  key.export({ type, format: "pem" }).toString();

beforeAll(async () => {
  world = await startRefreshWorld();
  endpoint = await startScriptedTokenEndpoint({ certificates: world.certificates });
  expect((await world.upload("robot.json", JSON.stringify(keyFile()))).status).toBe(201);
});
afterAll(async () => {
  await world.close();
  await endpoint.close();
});
beforeEach(() => endpoint.reset());
afterEach(() => world.removeServices());

/** Unix seconds, by the server's clock. */
const now = (): number => world.clock.now() / 1000;

const keyFile = (more: object = {}): object => ({
  type: "service_account",
  project_id: "project",
  private_key_id: "key-id-of-the-file",
  private_key: pem(rsa.privateKey),
  client_email: EMAIL,
  client_id: "1234567890",
  token_uri: "https://somewhere-else.test/token",
  ...more,
});

/** Answers with a token only if the assertion is what the specification says. */
function verifying(key: KeyObject, algorithm: string, wanted: { issuer: string; audience: string }) {
  const seen: JWTVerifyResult[] = [];
  const failures: unknown[] = [];
  endpoint.script = async ({ parameters, client }) => {
    try {
      const assertion =
        parameters.assertion ?? (client.method === "bearer" ? client.secret : undefined) ?? "";
      // It checks the signature, iss, aud, and that it is neither too early nor too late.
      seen.push(
        await jwtVerify(assertion, key, {
          ...wanted,
          algorithms: [algorithm],
          maxTokenAge: HOUR_S,
          currentDate: new Date(world.clock.now()),
        }),
      );
      return undefined;
    } catch (error) {
      failures.push(error);
      return { status: 400, body: { error: "invalid_grant" } };
    }
  };
  return { seen, failures };
}

const define = (name: string, auth: object): Promise<Answered> =>
  call(world.clock.server.address, "POST", "/services", {
    token: world.admin,
    body: JSON.stringify({
      name,
      base_url: endpoint.apiUrl,
      allow_private: true,
      tls_ca: world.certificates.ca,
      auth,
    }),
  });

async function add(name: string, auth: object): Promise<void> {
  const answer = await define(name, auth);
  expect(answer.status, answer.text).toBe(201);
}

describe("a service account of Google", () => {
  test("signs an assertion with all that is wanted, and nothing more of the file", async () => {
    await add("robot", {
      type: "service_account",
      file_ref: "robot.json",
      sa_scopes: SCOPES,
      sa_token_url: endpoint.tokenUrl,
    });
    const { seen, failures } = verifying(rsa.publicKey, "RS256", {
      issuer: EMAIL,
      audience: endpoint.tokenUrl,
    });
    const answer = await world.proxy("robot");
    expect(failures).toEqual([]);
    expect(answer.status, answer.text).toBe(200);
    expect(seen).toHaveLength(1);
    const { payload, protectedHeader } = seen[0]!;
    expect(protectedHeader).toEqual({ alg: "RS256", typ: "JWT", kid: "key-id-of-the-file" });
    const { iat = 0, exp = 0, ...claims } = payload;
    expect(claims).toEqual({ iss: EMAIL, aud: endpoint.tokenUrl, scope: SCOPES.join(" ") });
    expect(exp - iat).toBeLessThanOrEqual(HOUR_S);
    expect(exp).toBeGreaterThan(now());
    expect(iat).toBeLessThanOrEqual(now());
    expect(endpoint.calls).toMatchObject([
      { bodyFormat: "form", parameters: { grant_type: GRANT }, client: { method: "none" } },
    ]);
    expect(Object.keys(endpoint.calls[0]!.parameters).sort()).toEqual(["assertion", "grant_type"]);
    expect(await world.info("robot")).toMatchObject({
      auth_type: "service_account",
      token_status: "valid",
      scopes: SCOPES,
    });
  });

  test("acts for a user with delegation", async () => {
    await add("delegated", {
      type: "service_account",
      file_ref: "robot.json",
      sa_token_url: endpoint.tokenUrl,
      sa_subject: "alice@example.test",
    });
    const { seen } = verifying(rsa.publicKey, "RS256", { issuer: EMAIL, audience: endpoint.tokenUrl });
    expect((await world.proxy("delegated")).status).toBe(200);
    expect(seen[0]?.payload).toMatchObject({
      sub: "alice@example.test",
      scope: "https://www.googleapis.com/auth/cloud-platform",
    });
  });

  test("keeps its token across a restart, and gets another when it has expired", async () => {
    await add("kept", { type: "service_account", file_ref: "robot.json", sa_token_url: endpoint.tokenUrl });
    // A new token can be had again: no call waits until this one is on the disk.
    expect((await world.untilSaved(() => world.proxy("kept"))).status).toBe(200);
    await world.restart("SIGKILL");
    expect((await world.proxy("kept")).status).toBe(200);
    expect(endpoint.calls).toHaveLength(1);
    await world.clock.advance(HOUR_S * 1000);
    expect((await world.proxy("kept")).status).toBe(200);
    expect(endpoint.calls).toHaveLength(2);
    expect(endpoint.calls[1]?.parameters.assertion).not.toBe(endpoint.calls[0]?.parameters.assertion);
  });

  const small = generateKeyPairSync("rsa", { modulusLength: 1024 });
  test.each([
    ["an OAuth2 client", { installed: { client_id: "x", client_secret: "y" } }, /OAuth2 client/],
    ["another JSON", { hello: "world" }, /service account/],
    ["no email", keyFile({ client_email: undefined }), /client_email/],
    ["no key", keyFile({ private_key: undefined }), /private_key/],
    [
      "a key that is none",
      keyFile({ private_key: pem(ed.privateKey).replace(/^(?!-).*$/m, "AAAA") }),
      /private key/,
    ],
    ["an RSA key of 1024 bits", keyFile({ private_key: pem(small.privateKey) }), /1024 bits/],
    ["an EC key", keyFile({ private_key: pem(ec.privateKey) }), /ES256|RS256/],
    ["text", "not json at all", /JSON/i],
  ])("is refused with a file that holds %s", async (title, content, reason) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    const uploaded = await world.upload("bad.json", text);
    // Either already here, or when a service names it; never without the reason.
    const answer =
      uploaded.status === 201
        ? await define("bad", {
            type: "service_account",
            file_ref: "bad.json",
            sa_token_url: endpoint.tokenUrl,
          })
        : uploaded;
    expect(answer.status, title).toBe(400);
    expect(answer.json).toMatchObject({
      code: "invalid_request",
      error: expect.stringMatching(reason) as string,
    });
    expect(answer.text).not.toContain("AAAA");
  });

  test("is refused with a file that is not there, and fails when it is taken away", async () => {
    const auth = { type: "service_account", sa_token_url: endpoint.tokenUrl };
    expect((await define("bad", { ...auth, file_ref: "missing.json" })).status).toBe(400);
    expect((await world.upload("going.json", JSON.stringify(keyFile()))).status).toBe(201);
    await add("going", { ...auth, file_ref: "going.json" });
    const { address } = world.clock.server;
    expect((await call(address, "DELETE", "/files/going.json", { token: world.admin })).status).toBe(200);
    const answer = await world.proxy("going");
    expectRefusal(answer, 502, "oauth2_refresh_failed");
    expect(answer.text).toContain("file_ref");
  });
});

describe("jwt_bearer for everyone else:", () => {
  test.each([
    ["RS256", rsa, "pkcs8"],
    ["RS256", rsa, "pkcs1"],
    ["ES256", ec, "pkcs8"],
    ["ES256", ec, "sec1"],
    ["EdDSA", ed, "pkcs8"],
  ] as const)("%s", async (algorithm, { privateKey, publicKey }, form) => {
    const name = `${algorithm}-${form}`.toLowerCase();
    await add(name, {
      type: "jwt_bearer",
      token_url: endpoint.tokenUrl,
      issuer: "the-issuer",
      subject: "the-subject",
      audience: "https://audience.test/",
      algorithm,
      kid: "key-7",
      private_key: pem(privateKey, form),
      scopes: ["a", "b"],
      claims: { "https://tenant.test": "t1" },
    });
    const { seen, failures } = verifying(publicKey, algorithm, {
      issuer: "the-issuer",
      audience: "https://audience.test/",
    });
    const answer = await world.proxy(name);
    expect(failures).toEqual([]);
    expect(answer.status, answer.text).toBe(200);
    const { payload, protectedHeader } = seen[0]!;
    expect(protectedHeader).toMatchObject({ alg: algorithm, kid: "key-7" });
    expect(payload).toMatchObject({ sub: "the-subject", "https://tenant.test": "t1" });
    expect(payload.exp! - payload.iat!).toBeLessThanOrEqual(HOUR_S);
    expect(endpoint.calls[0]?.parameters).toMatchObject({ grant_type: GRANT, scope: "a b" });
    expect(JSON.stringify(await world.info(name))).not.toContain("PRIVATE");
  });

  test("each assertion has an id of its own", async () => {
    await add("ids", {
      type: "jwt_bearer",
      token_url: endpoint.tokenUrl,
      issuer: "i",
      private_key: pem(ed.privateKey),
    });
    for (let turn = 0; turn < 3; turn += 1) {
      expect((await world.proxy("ids")).status).toBe(200);
      await world.clock.advance(HOUR_S * 1000);
    }
    const ids = endpoint.calls.map(({ parameters }) => decodeJwt(parameters.assertion!).jti);
    // The clock's jump may bring a refresh ahead of time as well.
    expect(ids.length).toBeGreaterThanOrEqual(3);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("an algorithm that the key is not for is refused", async () => {
    const auth = {
      type: "jwt_bearer",
      token_url: endpoint.tokenUrl,
      issuer: "i",
      private_key: pem(ec.privateKey),
    };
    for (const algorithm of ["RS256", "EdDSA", "HS256", "none"]) {
      const answer = await define("bad", { ...auth, algorithm });
      expect(answer.status, algorithm).toBe(400);
    }
  });
});

describe("a GitHub App", () => {
  const app = { type: "github_app", app_id: "12345", installation_id: 678 };

  test("asks for an installation token with a key file in PKCS #1, as GitHub hands it out", async () => {
    expect((await world.upload("app.pem", pem(rsa.privateKey, "pkcs1"))).status).toBe(201);
    await add("app", {
      ...app,
      key_file: "app.pem",
      api_url: endpoint.origin,
      repositories: ["one"],
      permissions: { contents: "read" },
    });
    const seen: JWTVerifyResult[] = [];
    endpoint.script = async ({ client }) => {
      seen.push(
        await jwtVerify(client.secret ?? "", rsa.publicKey, {
          issuer: "12345",
          algorithms: ["RS256"],
          currentDate: new Date(world.clock.now()),
        }),
      );
      const { access_token } = endpoint.issuer.issue().json;
      const expires_at = new Date(world.clock.now() + HOUR_S * 1000).toISOString();
      return { status: 201, body: { token: access_token, expires_at, permissions: { contents: "read" } } };
    };
    const answer = await world.proxy("app");
    expect(answer.status, answer.text).toBe(200);
    expect(endpoint.calls).toMatchObject([
      { method: "POST", path: "/app/installations/678/access_tokens", bodyFormat: "json" },
    ]);
    expect(endpoint.calls[0]?.parameters).toEqual({
      repositories: ["one"],
      permissions: { contents: "read" },
    });
    const { iat = 0, exp = 0 } = seen[0]!.payload;
    // GitHub: ten minutes at most, a minute back against clocks that differ.
    expect(exp - now()).toBeLessThanOrEqual(600);
    expect(iat).toBeLessThan(now() - 30);
    const { expires_at } = await world.info("app");
    expect(Math.abs(Number(expires_at) - now() - HOUR_S)).toBeLessThan(5);
  });

  test.each([
    [401, "oauth2_reauthorization_required"],
    [404, "oauth2_reauthorization_required"],
    [403, "oauth2_refresh_failed"],
    [422, "oauth2_refresh_failed"],
    [500, "oauth2_refresh_failed"],
  ])("that is answered with %i fails with %s", async (status, code) => {
    const name = `app-${status}`;
    await add(name, { ...app, private_key: pem(rsa.privateKey), api_url: endpoint.origin });
    endpoint.script = () => ({ status, body: { message: "BODY-OF-GITHUB" } });
    const answer = await world.proxy(name);
    expectRefusal(answer, 502, code);
    expect(answer.text).not.toContain("BODY-OF-GITHUB");
  });
});

test("no key and no assertion is in the log", () => {
  const log = world.log();
  expect(log).not.toMatch(/PRIVATE KEY|BODY-OF-GITHUB|eyJ/);
});
