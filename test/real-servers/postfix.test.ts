import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createTransport } from "nodemailer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanEnvironment } from "../live/processes.js";
import { curl, type CurlResult } from "./curl.js";
import { MAIL_PASSWORDS, OAUTH_USER, type MailUser } from "./mail-users.js";
import { POSTFIX_SIZE_LIMIT, REFUSED_RECIPIENT, startPostfix, type RunningPostfix } from "./postfix.js";

const USERS = Object.keys(MAIL_PASSWORDS) as MailUser[];
const LOGIN_REFUSED = 67;
const SENDER = "plain@mail.test";
const LARGE_BYTES = 25 * 1024 * 1024;

let server: RunningPostfix;

beforeAll(async () => {
  server = await startPostfix();
});

afterAll(async () => {
  await server.stop();
});

type Listener = "implicit" | "starttls" | "none" | "open";

/** The start of a curl command that says no more than NOOP to a listener. */
function address(listener: Listener): string[] {
  const verified = ["--request", "NOOP", "--cacert", server.caPath];
  if (listener === "implicit") return [...verified, `smtps://127.0.0.1:${server.tlsPort}/`];
  if (listener === "none") return [...verified, `smtp://127.0.0.1:${server.plaintextPort}/`];
  if (listener === "open") return [...verified, `smtp://127.0.0.1:${server.openPort}/`];
  return [...verified, "--ssl-reqd", `smtp://127.0.0.1:${server.starttlsPort}/`];
}

const logIn = (
  user: string,
  password: string,
  mechanism: string,
  listener: Listener = "none",
): Promise<CurlResult> =>
  curl(...address(listener), "--user", `${user}:${password}`, "--login-options", `AUTH=${mechanism}`);

const transport = (user: MailUser = SENDER) =>
  createTransport({
    host: "127.0.0.1",
    port: server.tlsPort,
    secure: true,
    tls: { ca: server.ca },
    auth: { user, pass: MAIL_PASSWORDS[user] },
  });

const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => error);

describe.each(USERS)("the password of %s", (user) => {
  test.each(["PLAIN", "LOGIN", "CRAM-MD5"])("is taken by AUTH %s", async (mechanism) => {
    const result = await logIn(user, MAIL_PASSWORDS[user], mechanism);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stderr).toContain(`> AUTH ${mechanism}`);
    expect(result.stderr).toContain("< 235 ");
  });
});

test.each(["PLAIN", "LOGIN", "CRAM-MD5"])("a wrong password is refused by AUTH %s", async (mechanism) => {
  const user = "syntax@mail.test";
  const result = await logIn(user, `${MAIL_PASSWORDS[user]}x`, mechanism);
  expect(result.exitCode).toBe(LOGIN_REFUSED);
  expect(result.stderr).toContain("< 535 ");
});

test.each(["implicit", "starttls", "none"] as const)(
  "the listener for TLS %s takes a login",
  async (listener) => {
    const result = await logIn(SENDER, MAIL_PASSWORDS[SENDER], "PLAIN", listener);
    expect(result.exitCode, result.stderr).toBe(0);
    expect((await logIn(SENDER, "wrong", "PLAIN", listener)).exitCode).toBe(LOGIN_REFUSED);
  },
);

test("the STARTTLS listener offers no AUTH and takes no mail before TLS", async () => {
  const url = `smtp://127.0.0.1:${server.starttlsPort}/`;
  const result = await curl(url, "--mail-from", SENDER, "--mail-rcpt", SENDER, "--upload-file", "/dev/null");
  expect(result.stderr).toContain("STARTTLS");
  expect(result.stderr).not.toContain("AUTH ");
  expect(result.stderr).toContain("< 530 ");
});

test("the plaintext listener relays for nobody who has not logged in, and the open one does", async () => {
  const mail = { from: SENDER, to: "open@mail.test", text: "hello" };
  const stranger = (port: number) => createTransport({ host: "127.0.0.1", port, ignoreTLS: true });
  expect(await rejection(stranger(server.plaintextPort).sendMail(mail))).toMatchObject({ responseCode: 554 });
  await stranger(server.openPort).sendMail(mail);
  const [message] = await server.messagesTo("open@mail.test");
  expect(message?.received).not.toContain("Authenticated sender");
  const offered = await curl(...address("open"));
  expect(offered.stderr).toContain("PIPELINING");
  expect(offered.stderr).not.toMatch(/AUTH|STARTTLS/);
});

test("access tokens are taken while they are active", async () => {
  const other = await startPostfix({ mechanisms: ["xoauth2"] });
  const bearer = (token: string): Promise<CurlResult> =>
    curl(
      ...["--request", "NOOP", `smtp://127.0.0.1:${other.plaintextPort}/`],
      ...["--user", OAUTH_USER, "--oauth2-bearer", token],
    );
  try {
    other.tokens.set("active-token", OAUTH_USER);
    const result = await bearer("active-token");
    expect(result.stderr).toContain("> AUTH XOAUTH2");
    expect(result.exitCode, result.stderr).toBe(0);
    other.tokens.clear();
    expect((await bearer("active-token")).exitCode).toBe(LOGIN_REFUSED);
  } finally {
    await other.stop();
  }
});

describe("a message", () => {
  test("arrives byte for byte, with the sender and recipient of its envelope", async () => {
    const raw = Buffer.from(
      "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\r\n.\r\n..\r\nFrom here\r\n  \r\nsch\u00f6n\r\n\r\n",
    );
    await transport().sendMail({
      envelope: { from: "from@mail.test", to: ["a@one.test", "b@two.test"] },
      raw,
    });
    for (const recipient of ["a@one.test", "b@two.test"]) {
      const [message] = await server.messagesTo(recipient);
      expect(message).toMatchObject({ sender: "from@mail.test", recipient, content: raw });
      expect(message?.received).toContain(`Authenticated sender: ${SENDER}`);
      expect(message?.received).toContain("ESMTPSA");
    }
  });

  test("may have 25 MB, and no more than the server says", async () => {
    const line = `${"x".repeat(76)}\r\n`;
    const raw = Buffer.from(`Subject: large\r\n\r\n${line.repeat(Math.ceil(LARGE_BYTES / line.length))}`);
    await transport().sendMail({ envelope: { from: SENDER, to: "large@mail.test" }, raw });
    const [message] = await server.messagesTo("large@mail.test");
    expect(message?.content.equals(raw)).toBe(true);
    const tooLarge = { from: SENDER, to: "large@mail.test", size: POSTFIX_SIZE_LIMIT + 1 };
    expect(await rejection(transport().sendMail({ envelope: tooLarge, raw: "x" }))).toMatchObject({
      code: "EMESSAGE",
    });
  });

  test("may have addresses beyond ASCII", async () => {
    await transport().sendMail({
      from: SENDER,
      to: "pel\u00e9@m\u00e4il.test",
      subject: "SMTPUTF8",
      text: "ol\u00e9",
    });
    const [message] = await server.messagesTo("pel\u00e9@m\u00e4il.test");
    expect(message?.received).toContain("UTF8SMTPSA");
  });

  test("is reported as delivered where the sender asks for that", async () => {
    await transport().sendMail({
      envelope: { from: "reports@mail.test", to: "dsn@mail.test" },
      dsn: { id: "envelope-id", return: "headers", notify: "success", recipient: "dsn@mail.test" },
      raw: "Subject: notify\r\n\r\nhello\r\n",
    });
    const [report] = await server.messagesTo("reports@mail.test");
    expect(report?.sender).toBe("");
    expect(report?.content.toString()).toContain("Original-Envelope-Id: envelope-id");
  });

  test("for a refused recipient is refused", async () => {
    expect(
      await rejection(transport().sendMail({ from: SENDER, to: REFUSED_RECIPIENT, text: "hello" })),
    ).toMatchObject({
      responseCode: 554,
    });
  });
});

test("swaks verifies the certificate and logs in after STARTTLS", async () => {
  const { stdout } = await promisify(execFile)(
    "swaks",
    [
      ...["--server", "127.0.0.1", "--port", String(server.starttlsPort), "--tls"],
      ...["--tls-verify", "--tls-ca-path", server.caPath],
      ...["--auth", "PLAIN", "--auth-user", SENDER, "--auth-password", MAIL_PASSWORDS[SENDER]],
      ...["--from", SENDER, "--to", "swaks@mail.test"],
    ],
    { env: cleanEnvironment() },
  );
  expect(stdout).toContain("queued as");
  expect(await server.messagesTo("swaks@mail.test")).toHaveLength(1);
});
