import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createTransport } from "nodemailer";
import type SMTPTransport from "nodemailer/lib/smtp-transport/index.js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { LoopbackSession } from "../../packages/server/src/protocols/testing/loopback-session.js";
import { Secret } from "../../packages/server/src/redaction/secret.js";
import { cleanEnvironment, temporaryDirectory } from "../live/processes.js";
import { curl } from "../real-servers/curl.js";
import { REFUSED_RECIPIENT, startPostfix, type RunningPostfix } from "../real-servers/postfix.js";
import { LOCAL_LOGIN, openSmtpSession } from "./smtp-session.js";

const run = promisify(execFile);
const PYTHON_CLIENT = fileURLToPath(new URL("smtplib_client.py", import.meta.url));
const AUTHENTICATED = "(Authenticated sender: plain@mail.test)";
const LOGIN_REFUSED = 67;
const WEIRD_REPLY = 8;
const RAW = Buffer.from("Subject: a client\r\n\r\n.\r\nschön\r\n..\r\n");
const RIGHT = { user: LOCAL_LOGIN.username, pass: LOCAL_LOGIN.password.reveal() };
const ANY = { user: "somebody", pass: "anything" };

let server: RunningPostfix;
let session: LoopbackSession;
let guarded: LoopbackSession;
const others: LoopbackSession[] = [];

beforeAll(async () => {
  server = await startPostfix();
  session = await openSmtpSession(server);
  guarded = await openSmtpSession(server, {}, { login: LOCAL_LOGIN });
});
afterEach(async () => {
  expect(session.failures).toEqual([]);
  await Promise.all(others.splice(0).map((other) => other.close()));
});
afterAll(async () => {
  await Promise.all([session, guarded].map((open) => open.close()));
  await server.stop();
});

async function expectDelivered(recipient: string, count = 1): Promise<void> {
  const messages = await server.messagesTo(recipient, count);
  expect(messages).toHaveLength(count);
  for (const { content, received } of messages) {
    expect(content).toEqual(RAW);
    expect(received).toContain(AUTHENTICATED);
    expect(received).toContain("ESMTPSA");
  }
}

const rejection = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe("nodemailer", () => {
  const transport = (port: number, options: SMTPTransport.Options = {}) =>
    createTransport({ host: "127.0.0.1", port, ...options });
  const envelope = (to: string) => ({ from: "sender@mail.test", to });

  test.each<[string, SMTPTransport.Options]>([
    ["without a login", {}],
    ["with any login", { auth: ANY }],
    ["set to LOGIN", { auth: ANY, authMethod: "LOGIN" }],
    ["set to CRAM-MD5", { auth: ANY, authMethod: "CRAM-MD5" }],
    ["set to a token of its own", { auth: { type: "OAuth2", user: "somebody", accessToken: "its-own" } }],
    ["with a name of its own", { auth: ANY, name: "client.mail.test" }],
  ])("%s sends", async (name, options) => {
    const recipient = `nodemailer-${name.replaceAll(" ", "-")}@mail.test`;
    const client = transport(session.port, options);
    expect(await client.verify()).toBe(true);
    await client.sendMail({ envelope: envelope(recipient), raw: RAW });
    await expectDelivered(recipient);
  });

  test.each(["PLAIN", "LOGIN"])(
    "sends with the session's login by %s, and not with another",
    async (authMethod) => {
      const recipient = `guarded-${authMethod}@mail.test`;
      const mail = { envelope: envelope(recipient), raw: RAW };
      await transport(guarded.port, { auth: RIGHT, authMethod }).sendMail(mail);
      await expectDelivered(recipient);
      const wrong = { auth: { ...RIGHT, pass: "wrong" }, authMethod };
      expect(await rejection(transport(guarded.port, wrong).sendMail(mail))).toMatchObject({
        code: "EAUTH",
        responseCode: 535,
      });
      expect(await rejection(transport(guarded.port).sendMail(mail))).toMatchObject({ responseCode: 530 });
    },
  );

  test("sends many over connections that it keeps", async () => {
    const pool = createTransport({
      ...{ host: "127.0.0.1", port: session.port, auth: ANY },
      ...{ pool: true, maxConnections: 3 },
    });
    const mails = Array.from({ length: 12 }, () =>
      pool.sendMail({ envelope: envelope("pooled@mail.test"), raw: RAW }),
    );
    await Promise.all(mails);
    pool.close();
    await expectDelivered("pooled@mail.test", 12);
  });

  test("is told of refused recipients, and of the delivery of others (DSN)", async () => {
    const info = await transport(session.port).sendMail({
      envelope: { from: "dsn@mail.test", to: ["noted@mail.test", REFUSED_RECIPIENT] },
      raw: RAW,
      dsn: { id: "envelope-1", return: "headers", notify: "success", recipient: "dsn@mail.test" },
    });
    expect(info.rejected).toEqual([REFUSED_RECIPIENT]);
    const [report] = await server.messagesTo("dsn@mail.test");
    expect(report?.content.toString()).toContain("Original-Envelope-Id: envelope-1");
    expect(report?.content.toString()).toContain("Action: delivered");
  });

  test("sends to addresses beyond ASCII (SMTPUTF8)", async () => {
    await transport(session.port).sendMail({
      envelope: { from: "björn@mail.test", to: "käthe@mail.test" },
      raw: RAW,
    });
    const [message] = await server.messagesTo("käthe@mail.test");
    expect(message).toMatchObject({ sender: "björn@mail.test", content: RAW });
    expect(message?.received).toContain("with UTF8SMTPSA");
  });

  test("finds no TLS where it must have some", async () => {
    const plain = await openSmtpSession(server);
    others.push(plain);
    const client = transport(plain.port, { requireTLS: true });
    expect(await rejection(client.verify())).toMatchObject({ code: "ETLS", responseCode: 502 });
  });

  test("reads why the server could not be logged in to", async () => {
    const refused = await openSmtpSession(server, { smtp_password: new Secret("wrong") });
    others.push(refused);
    const error = await rejection(
      transport(refused.port, { auth: ANY }).sendMail({ to: "a@mail.test", raw: RAW }),
    );
    expect(error).toMatchObject({
      response: expect.stringContaining("535 5.7.8 the server refused the stored credential") as string,
    });
  });
});

describe("Python's smtplib", () => {
  test.each([
    ["none", () => session],
    ["plain", () => session],
    ["login", () => session],
    ["plain", () => guarded],
    ["login", () => guarded],
  ] as const)("with log-in %s sends two mails in a session", async (how, sessionOf) => {
    const { port } = sessionOf();
    const recipient = `smtplib-${how}-${port}@mail.test`;
    const running = run("python3", [PYTHON_CLIENT, String(port), how, recipient], {
      env: cleanEnvironment(),
    });
    running.child.stdin?.end(RAW);
    await running;
    const messages = await server.messagesTo(recipient, 2);
    expect(messages.map(({ content }) => content)).toEqual([RAW, RAW]);
    expect(messages[0]?.received).toContain(AUTHENTICATED);
  });

  test("sends with what its login() chooses", async () => {
    const program = `
import smtplib, sys
client = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=20)
code, text = client.login(sys.argv[2], sys.argv[3])
assert code == 235, text
client.sendmail("sender@mail.test", ["smtplib-login@mail.test"], sys.stdin.buffer.read(), ["BODY=8BITMIME"])
print(client.quit())
`;
    const args = ["-c", program, String(guarded.port), RIGHT.user, RIGHT.pass];
    const running = run("python3", args, { env: cleanEnvironment() });
    running.child.stdin?.end(RAW);
    expect((await running).stdout).toContain("(221, ");
    await expectDelivered("smtplib-login@mail.test");
  });
});

describe("swaks", () => {
  async function swaks(port: number, recipient: string, ...options: readonly string[]): Promise<string> {
    const { stdout } = await run(
      "swaks",
      [
        ...["--server", "127.0.0.1", "--port", String(port), "--ehlo", "client.test"],
        ...[
          "--from",
          "sender@mail.test",
          "--to",
          recipient,
          "--data",
          "Subject: swaks\\n\\nhello\\n",
          ...options,
        ],
      ],
      { env: cleanEnvironment() },
    ).catch((error: unknown) => error as { stdout: string });
    return stdout;
  }
  const login = ["--auth-user", RIGHT.user, "--auth-password", RIGHT.pass];

  test.each([
    ["without a login", () => session, []],
    ["with PLAIN", () => session, ["--auth", "PLAIN", ...login]],
    ["with LOGIN", () => session, ["--auth", "LOGIN", ...login]],
    ["with pipelining", () => session, ["--pipeline"]],
    ["with the session's login by PLAIN", () => guarded, ["--auth", "PLAIN", ...login]],
    ["with the session's login by LOGIN", () => guarded, ["--auth", "LOGIN", ...login]],
    ["with TLS if there is any", () => session, ["--tls-optional-strict"]],
  ] as const)("%s sends", async (name, sessionOf, options) => {
    const recipient = `swaks-${name.replaceAll(/\W/g, "-")}-${sessionOf().port}@mail.test`;
    expect(await swaks(sessionOf().port, recipient, ...options)).toContain("250 2.0.0 Ok: queued");
    const [message] = await server.messagesTo(recipient);
    expect(message?.received).toContain(AUTHENTICATED);
  });

  test("is refused without the session's login, and with another", async () => {
    expect(await swaks(guarded.port, "a@mail.test")).toContain("<** 530 5.7.0 Log in first");
    const wrong = ["--auth", "PLAIN", "--auth-user", RIGHT.user, "--auth-password", "wrong"];
    expect(await swaks(guarded.port, "a@mail.test", ...wrong)).toContain("<** 535 5.7.8 ");
  });
});

describe("curl", () => {
  let directory: { readonly path: string; readonly remove: () => Promise<void> };
  beforeAll(async () => {
    directory = await temporaryDirectory();
    await writeFile(join(directory.path, "mail"), RAW);
  });
  afterAll(() => directory.remove());

  const upload = (recipient: string): string[] => [
    ...["--mail-from", "sender@mail.test", "--mail-rcpt", recipient],
    ...["--upload-file", join(directory.path, "mail")],
  ];

  test.each([
    ["without a login", () => session.url, []],
    ["with any login", () => session.url, ["--user", "somebody:anything"]],
    ["with any login at once", () => session.url, ["--user", "somebody:anything", "--sasl-ir"]],
    ["with LOGIN", () => session.url, ["--user", "somebody:anything", "--login-options", "AUTH=LOGIN"]],
    ["with the session's URL", () => guarded.url, []],
  ] as const)("%s sends", async (name, urlOf, options) => {
    const recipient = `curl-${name.replaceAll(/\W/g, "-")}@mail.test`;
    const result = await curl(...upload(recipient), ...options, urlOf());
    expect(result.exitCode, result.stderr).toBe(0);
    await expectDelivered(recipient);
  });

  test("is refused with another login than the session's", async () => {
    const url = `smtp://127.0.0.1:${guarded.port}`;
    expect((await curl(...upload("a@mail.test"), "--user", "agent:wrong", url)).exitCode).toBe(LOGIN_REFUSED);
    expect((await curl(...upload("a@mail.test"), url)).exitCode).not.toBe(0);
  });

  test("asks for help, and whether an address is there", async () => {
    const help = await curl(session.url);
    expect(help.exitCode, help.stderr).toBe(0);
    const verified = await curl("--mail-rcpt", "a@mail.test", session.url);
    expect(verified.stderr).toContain("< 252 ");
  });

  test("reads why the server could not be logged in to", async () => {
    const refused = await openSmtpSession(server, { smtp_password: new Secret("wrong") });
    others.push(refused);
    const result = await curl(...upload("a@mail.test"), refused.url);
    expect(result.exitCode).toBe(WEIRD_REPLY);
    expect(result.stderr).toContain("< 535 5.7.8 the server refused the stored credential");
  });

  test("cannot drive a session by HTTP: nor can a web page", async () => {
    const web = await openSmtpSession(server);
    others.push(web);
    const body = "EHLO web\r\nMAIL FROM:<web@mail.test>\r\nRCPT TO:<web@mail.test>\r\nDATA\r\nx\r\n.\r\n";
    const result = await curl("--http0.9", "--data-binary", body, `http://127.0.0.1:${web.port}/`);
    expect(result.stdout).toBe("220 mail.test ESMTP\r\n500 5.5.2 this is not SMTP\r\n");
    expect(web.failures).toMatchObject([{ message: "this is not SMTP", peer: "client" }]);
  });
});
