import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ImapFlow } from "imapflow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanEnvironment, temporaryDirectory } from "../live/processes.js";
import { curl, type CurlResult } from "./curl.js";
import { startDovecot, STARTTLS_HOST, type RunningDovecot } from "./dovecot.js";
import { MAIL_PASSWORDS, OAUTH_USER, type MailUser } from "./mail-users.js";

const USERS = Object.keys(MAIL_PASSWORDS) as MailUser[];
const LOGIN_REFUSED = 67;
const CERTIFICATE_REFUSED = 60;

let server: RunningDovecot;

beforeAll(async () => {
  server = await startDovecot();
});

afterAll(async () => {
  await server.stop();
});

type Listener = "implicit" | "starttls" | "none";

/** The start of a curl command for a listener. */
function address(listener: Listener): string[] {
  const verified = ["--cacert", server.caPath];
  if (listener === "implicit") return [...verified, `imaps://127.0.0.1:${server.tlsPort}/`];
  if (listener === "none") return [`imap://127.0.0.1:${server.plaintextPort}/`];
  return [...verified, "--ssl-reqd", `imap://${STARTTLS_HOST}:${server.starttlsPort}/`];
}

const logIn = (user: string, password: string, mechanism: string): Promise<CurlResult> =>
  curl(...address("implicit"), "--user", `${user}:${password}`, "--login-options", `AUTH=${mechanism}`);

function imapFlow(user: MailUser, loginMethod: "LOGIN" | "AUTH=PLAIN", pass: string): ImapFlow {
  const client = new ImapFlow({
    host: "127.0.0.1",
    port: server.tlsPort,
    secure: true,
    tls: { ca: server.ca },
    auth: { user, pass, loginMethod },
    logger: false,
  });
  client.on("error", () => undefined);
  return client;
}

describe.each(USERS)("the password of %s", (user) => {
  test.each(["PLAIN", "LOGIN", "CRAM-MD5"])("is taken by AUTHENTICATE %s", async (mechanism) => {
    const result = await logIn(user, MAIL_PASSWORDS[user], mechanism);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stderr).toContain(`AUTHENTICATE ${mechanism}`);
    expect(result.stdout).toContain("INBOX");
  });

  test.each(["LOGIN", "AUTH=PLAIN"] as const)("is taken from imapflow by %s", async (method) => {
    const client = imapFlow(user, method, MAIL_PASSWORDS[user]);
    await client.connect();
    await client.logout();
  });
});

describe("a wrong password is refused", () => {
  const user = "syntax@mail.test";
  const wrong = `${MAIL_PASSWORDS[user]}x`;

  test.each(["PLAIN", "LOGIN", "CRAM-MD5"])("by AUTHENTICATE %s", async (mechanism) => {
    expect((await logIn(user, wrong, mechanism)).exitCode).toBe(LOGIN_REFUSED);
  });

  test("by LOGIN", async () => {
    await expect(imapFlow(user, "LOGIN", wrong).connect()).rejects.toMatchObject({
      authenticationFailed: true,
    });
  });
});

test.each(["implicit", "starttls", "none"] as const)(
  "the listener for TLS %s takes a login",
  async (listener) => {
    const user = ["--user", `plain@mail.test:${MAIL_PASSWORDS["plain@mail.test"]}`];
    const result = await curl(...address(listener), ...user, "--login-options", "AUTH=PLAIN");
    expect(result.exitCode, result.stderr).toBe(0);
    const wrong = await curl(...address(listener), "--user", "plain@mail.test:wrong");
    expect(wrong.exitCode).toBe(LOGIN_REFUSED);
  },
);

test("the STARTTLS listener takes no login before TLS", async () => {
  const user = ["--user", `plain@mail.test:${MAIL_PASSWORDS["plain@mail.test"]}`];
  const result = await curl(`imap://${STARTTLS_HOST}:${server.starttlsPort}/`, ...user);
  expect(result.exitCode).toBe(LOGIN_REFUSED);
  expect(result.stderr).toContain("LOGINDISABLED");
});

describe.each(["xoauth2", "oauthbearer"] as const)("%s", (mechanism) => {
  test("takes the access tokens that are active, for their user, and no other", async () => {
    // curl prefers the second, whatever it is told.
    const other = await startDovecot({ mechanisms: [mechanism] });
    const bearer = (token: string): Promise<CurlResult> =>
      curl(`imap://127.0.0.1:${other.plaintextPort}/`, "--user", OAUTH_USER, "--oauth2-bearer", token);
    try {
      other.tokens.set("active-token", OAUTH_USER);
      other.tokens.set("token-of-another", "plain@mail.test");
      const result = await bearer("active-token");
      expect(result.exitCode, result.stderr).toBe(0);
      expect(result.stderr).toContain(`AUTHENTICATE ${mechanism.toUpperCase()}`);
      expect((await bearer("unknown-token")).exitCode).toBe(LOGIN_REFUSED);
      expect((await bearer("token-of-another")).exitCode).toBe(LOGIN_REFUSED);
      other.tokens.delete("active-token");
      expect((await bearer("active-token")).exitCode).toBe(LOGIN_REFUSED);
    } finally {
      await other.stop();
    }
  });
});

test("messages are stored byte for byte but for line ends, and come back whole", async () => {
  const user = "unicode@mail.test";
  const client = imapFlow(user, "LOGIN", MAIL_PASSWORDS[user]);
  await client.connect();
  const message = Buffer.from("Subject: gr\u00fc\u00dfe\r\n\r\nFrom here\r\n.\r\nto there\u0001\r\n");
  await client.append("INBOX", message);
  await client.mailboxOpen("INBOX");
  const fetched = await client.fetchOne("1", { source: true });
  expect(fetched).toMatchObject({ source: message });
  await client.logout();
  const folder = join(server.maildir(user), "cur");
  const [file] = await readdir(folder);
  const stored = await readFile(join(folder, file ?? ""), "latin1");
  expect(stored).toBe(message.toString("latin1").replaceAll("\r\n", "\n"));
});

test("mbsync fetches what is there, over TLS", async () => {
  const user = "spaces@mail.test";
  const client = imapFlow(user, "AUTH=PLAIN", MAIL_PASSWORDS[user]);
  await client.connect();
  await client.append("INBOX", "Subject: fetched\r\n\r\nhello\r\n");
  await client.logout();
  const directory = await temporaryDirectory();
  try {
    const local = join(directory.path, "local");
    await mkdir(local);
    await writeFile(join(directory.path, "mbsyncrc"), synchronization(user, local));
    await promisify(execFile)("mbsync", ["--config", join(directory.path, "mbsyncrc"), "channel"], {
      env: { ...cleanEnvironment(), HOME: directory.path },
    });
    const [file] = await readdir(join(local, "INBOX/new"));
    expect(await readFile(join(local, "INBOX/new", file ?? ""), "utf8")).toContain("Subject: fetched\n");
  } finally {
    await directory.remove();
  }
});

/** mbsync(1): one mailbox, from the server into a Maildir. It takes no certificate for an address. */
const synchronization = (user: MailUser, local: string): string => `
IMAPStore server
Host localhost
Port ${server.tlsPort}
SSLType IMAPS
CertificateFile ${server.caPath}
AuthMechs LOGIN
User ${user}
Pass "${MAIL_PASSWORDS[user]}"

MaildirStore local
Path ${local}/
Inbox ${local}/INBOX

Channel channel
Far :server:
Near :local:
Create Near
Sync Pull
SyncState *
`;

test("a hundred clients of one user are logged in at once", async () => {
  const user = "plain@mail.test";
  const clients = Array.from({ length: 100 }, () => imapFlow(user, "LOGIN", MAIL_PASSWORDS[user]));
  await Promise.all(clients.map((client) => client.connect()));
  await Promise.all(clients.map((client) => client.logout()));
});

test("a certificate that has expired is presented when asked for", async () => {
  const other = await startDovecot({ certificate: { flaw: "expired" } });
  try {
    const result = await curl("--cacert", other.caPath, `imaps://127.0.0.1:${other.tlsPort}/`);
    expect(result.exitCode).toBe(CERTIFICATE_REFUSED);
  } finally {
    await other.stop();
  }
});

test("a crash ends the connections", async () => {
  const other = await startDovecot();
  try {
    const client = new ImapFlow({
      host: "127.0.0.1",
      port: other.plaintextPort,
      doSTARTTLS: false,
      auth: { user: "plain@mail.test", pass: MAIL_PASSWORDS["plain@mail.test"] },
      logger: false,
    });
    client.on("error", () => undefined);
    await client.connect();
    const closed = new Promise((resolve) => client.once("close", resolve));
    await other.stop("SIGKILL");
    await closed;
  } finally {
    await other.stop();
  }
});
