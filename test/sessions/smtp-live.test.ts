import { createTransport } from "nodemailer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { addService, call, makeToken, unlock } from "../live/vault-calls.js";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "../oauth/scripted-token-endpoint.js";
import { MAIL_PASSWORDS, OAUTH_USER } from "../real-servers/mail-users.js";
import { startPostfix, type RunningPostfix } from "../real-servers/postfix.js";
import { converse } from "./smtp-conversation.js";

const ACCESS_TOKEN = "ya29.an-access-token";
const USER = "unicode@mail.test";
const RAW = "Subject: live\r\n\r\nhello\r\n";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let mail: RunningPostfix;
let tokens: ScriptedTokenEndpoint;
let server: RunningServer;
let admin: string;
let token: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  [mail, tokens, server] = await Promise.all([
    startPostfix(),
    startScriptedTokenEndpoint(),
    startServer({ dataDir: directory.path, flags: ["--log-level", "debug"] }),
  ]);
  admin = await unlock(server);
  token = await makeToken(server, admin);
  await addMail("outbox", {
    ...{ smtp_port: mail.starttlsPort, smtp_user: USER, smtp_password: MAIL_PASSWORDS[USER] },
  });
  tokens.script = () => ({ body: { access_token: ACCESS_TOKEN, token_type: "Bearer", expires_in: 3600 } });
  await addService(server, admin, {
    ...{ name: "provider", base_url: tokens.apiUrl, allow_private: true, tls_ca: tokens.certificates.ca },
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
    auth: { type: "smtp", smtp_host: "127.0.0.1", ...fields },
  });
}

async function open(service: string, body: object = {}): Promise<{ addr: string; url: string }> {
  const answer = await call(server.address, "POST", `/smtp/${service}/session`, {
    token,
    body: JSON.stringify(body),
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.json as { addr: string; url: string };
}

const portOf = ({ addr }: { readonly addr: string }): number => Number(addr.split(":")[1]);

/** Sends one mail to a session's URL, and gives the server's Received line. */
async function send(url: string, recipient: string): Promise<string> {
  const client = createTransport(url);
  await client.sendMail({ envelope: { from: USER, to: recipient }, raw: RAW });
  client.close();
  const [message] = await mail.messagesTo(recipient);
  expect(message?.content.toString()).toBe(RAW);
  return message?.received ?? "";
}

test("a session of the built server takes a client's mail", async () => {
  const { url } = await open("outbox");
  expect(await send(url, "live@mail.test")).toContain(`(Authenticated sender: ${USER})`);
});

test("a session with a password takes its URL, and nothing else", async () => {
  const session = await open("outbox", { require_password: true, max_connections: 2 });
  expect(await send(session.url, "guarded@mail.test")).toContain(`(Authenticated sender: ${USER})`);
  await expect(send(`smtp://any:any@${session.addr}`, "a@mail.test")).rejects.toMatchObject({
    responseCode: 535,
  });
  await expect(send(`smtp://${session.addr}`, "a@mail.test")).rejects.toMatchObject({ responseCode: 530 });
});

test("the access token of another service logs in, as long as the server takes it", async () => {
  const fields = { smtp_user: OAUTH_USER, smtp_auth: "xoauth2", oauth_service: "provider" };
  await addMail("by-token", { ...fields, smtp_tls: "implicit", smtp_port: mail.tlsPort });
  mail.tokens.set(ACCESS_TOKEN, OAUTH_USER);
  expect(await send((await open("by-token")).url, "token@mail.test")).toContain(OAUTH_USER);
  mail.tokens.delete(ACCESS_TOKEN);
  const refused = await converse(portOf(await open("by-token")));
  expect(await refused.rest()).toBe("535 5.7.8 the server refused the stored credential\r\n");
  expect(server.log()).not.toContain(ACCESS_TOKEN);
});

test("a client that waits before its mail is closed by lock, at once", async () => {
  const waiting = await converse(portOf(await open("outbox")));
  await waiting.reply();
  expect(await waiting.ask("EHLO client.test")).toMatch(/^250-mail\.test\r\n/);
  const startedAt = performance.now();
  await call(server.address, "POST", "/auth/lock", { token: admin, body: "{}" });
  await waiting.rest();
  expect(performance.now() - startedAt).toBeLessThan(1000);
});
