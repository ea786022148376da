import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { addService, call, makeToken, unlock } from "../live/vault-calls.js";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "../oauth/scripted-token-endpoint.js";
import { curl } from "../real-servers/curl.js";
import { startDovecot, type RunningDovecot } from "../real-servers/dovecot.js";
import { OAUTH_USER } from "../real-servers/mail-users.js";
import { listenerOf, tokenFields, userFields } from "./imap-session.js";

const LOGIN_REFUSED = 67;
const ACCESS_TOKEN = "ya29.an-access-token";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let mail: RunningDovecot;
let tokens: ScriptedTokenEndpoint;
let server: RunningServer;
let admin: string;
let token: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  [mail, tokens, server] = await Promise.all([
    startDovecot(),
    startScriptedTokenEndpoint(),
    startServer({ dataDir: directory.path, flags: ["--log-level", "debug"] }),
  ]);
  admin = await unlock(server);
  token = await makeToken(server, admin);
  await addMail("mail", { ...listenerOf(mail, "implicit"), ...userFields("unicode@mail.test") });
  tokens.script = () => ({ body: { access_token: ACCESS_TOKEN, token_type: "Bearer", expires_in: 3600 } });
  await addService(server, admin, {
    ...{
      name: "mail-provider",
      base_url: tokens.apiUrl,
      allow_private: true,
      tls_ca: tokens.certificates.ca,
    },
    auth: {
      ...{ type: "oauth2_client", client_id: "client", client_secret: "client-secret-0123456789" },
      ...{ token_url: tokens.tokenUrl, grant: "client_credentials" },
    },
  });
});
afterAll(async () => {
  await server.stop();
  await Promise.all([mail.stop(), tokens.close()]);
  await directory.remove();
});

async function addMail(name: string, fields: object): Promise<void> {
  await addService(server, admin, {
    ...{ name, allow_private: true, tls_ca: mail.ca },
    auth: { type: "imap", ...fields },
  });
}

async function open(service: string, body: object = {}): Promise<{ addr: string; url: string }> {
  const answer = await call(server.address, "POST", `/imap/${service}/session`, {
    token,
    body: JSON.stringify(body),
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.json as { addr: string; url: string };
}

test("a session of the built server is a mailbox for one client", async () => {
  const result = await curl((await open("mail")).url);
  expect(result.exitCode, result.stderr).toBe(0);
  expect(result.stdout).toContain("INBOX");
});

test("a session with a password takes its URL, and nothing else", async () => {
  const { addr, url } = await open("mail", { require_password: true, max_connections: 2 });
  expect((await curl(url)).stdout).toContain("INBOX");
  expect((await curl(`imap://${addr}`, "--user", "any:any")).exitCode).toBe(LOGIN_REFUSED);
});

test.each(["xoauth2", "oauthbearer"] as const)(
  "with %s the access token of another service logs in, as long as the server takes it",
  async (mechanism) => {
    await addMail(mechanism, { ...listenerOf(mail, "starttls"), ...tokenFields(mechanism) });
    mail.tokens.set(ACCESS_TOKEN, OAUTH_USER);
    const result = await curl((await open(mechanism)).url);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stdout).toContain("INBOX");
    mail.tokens.delete(ACCESS_TOKEN);
    const refused = await curl((await open(mechanism)).url);
    expect(refused.stderr).toContain("* BYE the server refused the stored credential");
    expect(server.log()).not.toContain(ACCESS_TOKEN);
  },
);
