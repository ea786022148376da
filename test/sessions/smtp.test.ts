import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { LoopbackSession } from "../../packages/server/src/protocols/testing/loopback-session.js";
import { Secret } from "../../packages/server/src/redaction/secret.js";
import { freePorts } from "../real-servers/loopback-ports.js";
import { MAIL_PASSWORDS, OAUTH_USER, type MailUser } from "../real-servers/mail-users.js";
import {
  POSTFIX_SIZE_LIMIT,
  REFUSED_RECIPIENT,
  startPostfix,
  type RunningPostfix,
} from "../real-servers/postfix.js";
import { converse, type SmtpConversation } from "./smtp-conversation.js";
import { LOCAL_LOGIN, openSmtpSession } from "./smtp-session.js";

const USERS = Object.keys(MAIL_PASSWORDS) as MailUser[];
const SENDER = "plain@mail.test";
const LARGE_BYTES = 20 * 1024 * 1024;

let server: RunningPostfix;
const sessions: LoopbackSession[] = [];
const conversations: SmtpConversation[] = [];

beforeAll(async () => {
  server = await startPostfix();
});
afterEach(async () => {
  for (const conversation of conversations.splice(0)) conversation.destroy();
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});
afterAll(async () => {
  await server.stop();
});

async function open(...[fields, options]: OpenParameters): Promise<LoopbackSession> {
  const session = await openSmtpSession(server, fields, options);
  sessions.push(session);
  return session;
}

/** A client of a new session that has read nothing yet. */
async function client(...parameters: OpenParameters): Promise<SmtpConversation> {
  const conversation = await converse((await open(...parameters)).port);
  conversations.push(conversation);
  return conversation;
}

type OpenParameters = Parameters<typeof openSmtpSession> extends [unknown, ...infer Rest] ? Rest : never;

/** Sends a mail from the first command on, and gives what the server says in its Received line. */
async function mail(conversation: SmtpConversation, recipient: string): Promise<string> {
  expect(await conversation.ask(`MAIL FROM:<${SENDER}>`)).toMatch(/^250 /);
  expect(await conversation.ask(`RCPT TO:<${recipient}>`)).toMatch(/^250 /);
  expect(await conversation.ask("DATA")).toMatch(/^354 /);
  expect(await conversation.ask("Subject: x\r\n\r\nhello\r\n.")).toMatch(/^250 /);
  expect(await conversation.ask("QUIT")).toMatch(/^221 /);
  expect(await conversation.rest()).toBe("");
  const [message] = await server.messagesTo(recipient);
  expect(message?.content.toString()).toBe("Subject: x\r\n\r\nhello\r\n");
  return message?.received ?? "";
}

describe.each(["starttls", "implicit", "none"] as const)("with TLS %s", (smtp_tls) => {
  test.each(["auto", "plain", "login", "cram-md5"] as const)("smtp_auth %s logs in", async (smtp_auth) => {
    const conversation = await client({ smtp_tls, smtp_auth });
    expect(await conversation.reply()).toBe("220 mail.test ESMTP\r\n");
    const received = await mail(conversation, `${smtp_tls}-${smtp_auth}@mail.test`);
    expect(received).toContain(`(Authenticated sender: ${SENDER})`);
    expect(received).toContain(smtp_tls === "none" ? "with ESMTPA" : "with ESMTPSA");
  });

  test("an access token of another service logs in", async () => {
    server.tokens.set("active-token", OAUTH_USER);
    const fields = { smtp_tls, smtp_auth: "xoauth2", smtp_user: OAUTH_USER, oauth_service: "mail" } as const;
    const accessToken = (name: string): Promise<string> =>
      Promise.resolve(name === "mail" ? "active-token" : "another");
    const conversation = await client(fields, { accessToken });
    expect(await conversation.reply()).toMatch(/^220 /);
    const received = await mail(conversation, `${smtp_tls}-token@mail.test`);
    expect(received).toContain(`(Authenticated sender: ${OAUTH_USER})`);
  });
});

describe.each(USERS)("the password of %s", (user) => {
  test.each(["plain", "login", "cram-md5"] as const)("logs in by %s", async (smtp_auth) => {
    const stored = { smtp_user: user, smtp_password: new Secret(MAIL_PASSWORDS[user]) };
    const conversation = await client({ smtp_tls: "none", smtp_auth, ...stored });
    expect(await conversation.reply()).toMatch(/^220 /);
  });
});

describe("a failure is told to the client, without a word of the server's:", () => {
  const failing = async (...parameters: OpenParameters): Promise<string> =>
    (await client(...parameters)).rest();

  test.each(["plain", "login", "cram-md5"] as const)("a wrong password by %s", async (smtp_auth) => {
    const reply = await failing({ smtp_auth, smtp_password: new Secret("not-the-password") });
    expect(reply).toBe("535 5.7.8 the server refused the stored credential\r\n");
  });

  test("a token that is no longer active", async () => {
    const fields = { smtp_auth: "xoauth2", smtp_user: OAUTH_USER, oauth_service: "mail" } as const;
    const reply = await failing(fields, { accessToken: () => Promise.resolve("stale-token") });
    expect(reply).toBe("535 5.7.8 the server refused the stored credential\r\n");
  });

  test("a certificate that nobody vouches for", async () => {
    const reply = await failing({}, { ca: undefined });
    expect(reply).toMatch(
      /^421 4\.3\.0 the upstream's certificate is not signed by a trusted authority\r\n$/,
    );
  });

  test("a server that does not offer STARTTLS, which never sees the credential", async () => {
    const reply = await failing({ smtp_port: server.plaintextPort, smtp_tls: "starttls" });
    expect(reply).toBe("421 4.3.0 the server does not offer STARTTLS\r\n");
  });

  test("a server without log-in", async () => {
    const reply = await failing({ smtp_port: server.openPort, smtp_tls: "none" });
    expect(reply).toBe("421 4.3.0 the server offers no log-in on this connection\r\n");
  });

  test("a server that wants TLS first", async () => {
    const reply = await failing({ smtp_port: server.starttlsPort, smtp_tls: "none" });
    expect(reply).toBe("421 4.3.0 the server offers no log-in on this connection\r\n");
  });

  test("a port where nobody listens", async () => {
    const [port = 0] = await freePorts(1);
    expect(await failing({ smtp_port: port })).toBe("421 4.3.0 the upstream refused the connection\r\n");
  });
});

describe("a client", () => {
  test("is offered what the server offers, but its TLS and its log-in", async () => {
    const conversation = await client();
    await conversation.reply();
    const lines = (await conversation.ask("EHLO client.test")).split("\r\n").map((line) => line.slice(4));
    expect(lines).toEqual(
      expect.arrayContaining([
        "PIPELINING",
        `SIZE ${POSTFIX_SIZE_LIMIT}`,
        "8BITMIME",
        "DSN",
        "SMTPUTF8",
        "CHUNKING",
      ]),
    );
    expect(lines.filter((line) => /AUTH|TLS/.test(line))).toEqual(["AUTH PLAIN LOGIN"]);
  });

  test("that pipelines all its commands in one packet loses nothing", async () => {
    const conversation = await client();
    conversation.send(
      "EHLO client.test\r\nMAIL FROM:<a@mail.test>\r\nRCPT TO:<pipelined@mail.test>\r\nDATA\r\nSubject: x\r\n\r\nhello\r\n.\r\n" +
        "MAIL FROM:<b@mail.test>\r\nRCPT TO:<pipelined@mail.test>\r\nDATA\r\nSubject: y\r\n\r\nhello\r\n.\r\nQUIT\r\n",
    );
    const replies = (await conversation.rest()).match(/^\d{3} /gm);
    expect(replies?.map(Number)).toEqual([220, 250, 250, 250, 354, 250, 250, 250, 354, 250, 221]);
    const messages = await server.messagesTo("pipelined@mail.test", 2);
    expect(messages.map(({ sender }) => sender).sort()).toEqual(["a@mail.test", "b@mail.test"]);
  });

  test("that closes its side after its last command gets all answers", async () => {
    // Over TLS Postfix itself may drop its last words to one who has closed.
    const conversation = await client({ smtp_tls: "none" });
    conversation.send("MAIL FROM:<a@mail.test>\r\nRSET\r\nNOOP\r\nQUIT\r\n");
    conversation.endSending();
    expect((await conversation.rest()).match(/^\d{3} /gm)?.map(Number)).toEqual([220, 250, 250, 250, 221]);
  });

  test("that says EHLO again after its log-in, and resets before it, works", async () => {
    const conversation = await client();
    await conversation.reply();
    const extensions = await conversation.ask("EHLO client.test");
    expect(await conversation.ask("RSET")).toMatch(/^250 /);
    expect(await conversation.ask("AUTH PLAIN AGEAYg==")).toMatch(/^235 /);
    expect(await conversation.ask("EHLO client.test")).toBe(extensions);
    await mail(conversation, "ehlo-again@mail.test");
  });

  test("hears the server's own words about its mail", async () => {
    const conversation = await client();
    await conversation.reply();
    expect(await conversation.ask("MAIL FROM:<a@mail.test>")).toMatch(/^250 2\.1\.0 /);
    expect(await conversation.ask(`RCPT TO:<${REFUSED_RECIPIENT}>`)).toMatch(/^554 5\.7\.1 /);
    expect(await conversation.ask(`MAIL FROM:<> SIZE=${POSTFIX_SIZE_LIMIT + 1}`)).toMatch(/^503 5\.5\.1 /);
    expect(await conversation.ask("RSET")).toMatch(/^250 /);
    expect(await conversation.ask(`MAIL FROM:<> SIZE=${POSTFIX_SIZE_LIMIT + 1}`)).toMatch(/^552 5\.3\.4 /);
  });

  test("gets no second TLS and no second log-in from the server", async () => {
    const conversation = await client();
    await conversation.reply();
    expect(await conversation.ask("MAIL FROM:<a@mail.test>")).toMatch(/^250 /);
    expect(await conversation.ask("RSET")).toMatch(/^250 /);
    expect(await conversation.ask("STARTTLS")).toMatch(/^5/);
    expect(await conversation.ask("AUTH PLAIN AGEAYg==")).toMatch(/^503 /);
  });

  test("may send in chunks, with bytes that are no line", async () => {
    const content = Buffer.concat([
      Buffer.from("Subject: chunks\r\n\r\n.\r\nschön \xff "),
      Buffer.from("\r\n"),
    ]);
    const conversation = await client();
    await conversation.reply();
    await conversation.ask("EHLO client.test");
    expect(await conversation.ask("MAIL FROM:<a@mail.test> BODY=8BITMIME")).toMatch(/^250 /);
    expect(await conversation.ask("RCPT TO:<chunks@mail.test>")).toMatch(/^250 /);
    for (const [chunk, last] of [
      [content.subarray(0, 20), ""],
      [content.subarray(20), " LAST"],
    ] as const) {
      conversation.send(`BDAT ${chunk.length}${last}\r\n`);
      conversation.send(chunk);
      expect(await conversation.reply()).toMatch(/^250 /);
    }
    expect((await server.messagesTo("chunks@mail.test"))[0]?.content).toEqual(content);
  });

  test("may send 20 MB, which arrive byte for byte", async () => {
    const text = randomBytes(LARGE_BYTES / 2).toString("hex");
    // Eight-bit characters, and lines that begin with dots.
    const lines = text.match(/.{1,900}/g)?.map((line, at) => (at % 10 === 0 ? `.ä${line}` : line)) ?? [];
    const content = Buffer.from(`Subject: large\r\n\r\n${lines.join("\r\n")}\r\n`);
    const conversation = await client();
    conversation.send(
      "EHLO a\r\nMAIL FROM:<a@mail.test> BODY=8BITMIME\r\nRCPT TO:<large@mail.test>\r\nDATA\r\n",
    );
    for (const code of [220, 250, 250, 250, 354]) expect(await conversation.reply()).toContain(String(code));
    conversation.send(Buffer.from(content.toString("latin1").replaceAll(/^\./gm, ".."), "latin1"));
    conversation.send(".\r\n");
    expect(await conversation.reply()).toMatch(/^250 /);
    const [message] = await server.messagesTo("large@mail.test");
    expect(message?.content.length).toBe(content.length);
    expect(message?.content.equals(content)).toBe(true);
  });
});

describe("a client that must log in", () => {
  const token = (password: string): string => Buffer.from(`\0agent\0${password}`).toString("base64");

  test("mails after that", async () => {
    const conversation = await client({}, { login: LOCAL_LOGIN });
    await conversation.reply();
    expect(await conversation.ask(`AUTH PLAIN ${token("local-p4ssword")}`)).toMatch(/^235 /);
    const received = await mail(conversation, "logged-in@mail.test");
    expect(received).toContain(`(Authenticated sender: ${SENDER})`);
  });

  test("mails nothing before, and nothing with the service's own password", async () => {
    const conversation = await client({}, { login: LOCAL_LOGIN });
    await conversation.reply();
    expect(await conversation.ask("MAIL FROM:<a@mail.test>")).toMatch(/^530 /);
    const own = Buffer.from(`\0${SENDER}\0${MAIL_PASSWORDS[SENDER]}`).toString("base64");
    expect(await conversation.ask(`AUTH PLAIN ${own}`)).toMatch(/^535 /);
    expect(await conversation.ask("MAIL FROM:<a@mail.test>")).toMatch(/^530 /);
    expect(await conversation.ask("QUIT")).toMatch(/^221 /);
  });

  test("cannot log in at the server: its password is not sent there", async () => {
    const conversation = await client({}, { login: LOCAL_LOGIN });
    await conversation.reply();
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect(await conversation.ask(`AUTH PLAIN ${token(`guess-${attempt}`)}`)).toMatch(/^(535|421) /);
    expect(server.log()).not.toContain("agent");
  });
});

test("a client whose server dies in the middle of a mail is closed too, here at last", async () => {
  const conversation = await client();
  await conversation.reply();
  expect(await conversation.ask("MAIL FROM:<a@mail.test>")).toMatch(/^250 /);
  await server.stop("SIGKILL");
  expect(await conversation.rest()).toBe("");
});
