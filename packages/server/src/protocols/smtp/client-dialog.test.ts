import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Secret } from "../../redaction/secret.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { plainMessage } from "../sasl/messages.js";
import { speakWithClient, type ClientTurn } from "./client-dialog.js";
import { readAnnouncement } from "./extensions.js";
import { LIMITS } from "./limits.js";
import { farEnd, type FarEnd } from "../testing/far-end.js";

const LOGIN = { username: "agent", password: new Secret("local password") };
const RIGHT = plainMessage("agent", "local password").toString("base64");
const WRONG = plainMessage("agent", "local passwore").toString("base64");
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const GREETING = "220 mail.test ESMTP\r\n";
const EHLO_REPLY = "250-mail.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN\r\n";
const LOGGED_IN = "235 2.7.0 Logged in\r\n";
const REFUSED = "535 5.7.8 Not the user name and password of this session\r\n";
const LOG_IN_FIRST = "530 5.7.0 Log in first\r\n";

const announcement = readAnnouncement({
  code: 250,
  lines: ["mail.test hello", "PIPELINING", "SIZE 1000", "STARTTLS", "AUTH PLAIN"],
});

const opened: FarEnd[] = [];
afterEach(() => {
  for (const far of opened.splice(0)) far.destroy();
});

interface Dialog {
  readonly onLoggedIn: ReturnType<typeof vi.fn>;
  readonly client: FarEnd;
  readonly turn: Promise<ClientTurn>;
}

async function dialog(login?: typeof LOGIN): Promise<Dialog> {
  const client = await farEnd("client");
  opened.push(client);
  const onLoggedIn = vi.fn();
  const turn = speakWithClient(client.wire, { announcement, login, onLoggedIn });
  turn.catch(() => undefined);
  await client.hear(GREETING);
  return { client, turn, onLoggedIn };
}

/** Says each line and hears its answer. */
async function converse(client: FarEnd, turns: readonly (readonly [string, string])[]): Promise<void> {
  for (const [said, heard] of turns) {
    client.say(said);
    await client.hear(heard);
  }
}

describe("a client", () => {
  test("is answered with the server's extensions, without STARTTLS and with a log-in of ours", async () => {
    const { client } = await dialog();
    await converse(client, [
      ["EHLO client.test\r\n", EHLO_REPLY],
      ["ehlo [127.0.0.1]\r\n", EHLO_REPLY],
      ["HELO client.test\r\n", "250 mail.test\r\n"],
      ["EHLO\r\n", "501 5.5.4 EHLO needs a name\r\n"],
      ["HELO \r\n", "501 5.5.4 HELO needs a name\r\n"],
    ]);
  });

  test("may use all that comes before a mail", async () => {
    const { client, turn } = await dialog();
    await converse(client, [
      ["NOOP\r\n", "250 2.0.0 OK\r\n"],
      ["RSET\r\n", "250 2.0.0 OK\r\n"],
      ["VRFY a@mail.test\r\n", "252 2.5.0 Send it a mail and see\r\n"],
      ["HELP\r\n", "214 2.0.0 This is a session of vault-proxy: RFC 5321\r\n"],
      ["STARTTLS\r\n", "502 5.5.1 There is no TLS here: the vault has TLS with the server\r\n"],
      ["\r\n", "500 5.5.2 An empty line is no command\r\n"],
      ["XYZZY\r\n", "500 5.5.2 Command not known\r\n"],
      ["QUIT\r\n", ""],
    ]);
    expect(await turn).toEqual({ kind: "quit" });
  });

  test("that never logs in goes straight to its mail, and loses nothing that it sends ahead", async () => {
    const { client, turn } = await dialog();
    client.say("EHLO client.test\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    await client.hear(EHLO_REPLY);
    expect(await turn).toEqual({ kind: "mail", line: Buffer.from("MAIL FROM:<a@b>\r\n") });
    expect(client.wire.detach().rest.toString()).toBe("RCPT TO:<c@d>\r\nDATA\r\n");
  });

  test("is understood however its bytes are split", async () => {
    const { client, turn } = await dialog(LOGIN);
    for (const byte of `EHLO a\r\nAUTH PLAIN ${RIGHT}\r\nEHLO a\r\nmail from:<a>\r\n`) {
      client.say(byte);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await client.hear(EHLO_REPLY + LOGGED_IN + EHLO_REPLY);
    expect(await turn).toEqual({ kind: "mail", line: Buffer.from("mail from:<a>\r\n") });
  });

  test.each(["RCPT TO:<a>", "DATA", "BDAT 3", "ETRN mail.test", "EXPN list", "XCLIENT NAME=a"])(
    "may begin with %s, which the server answers",
    async (line) => {
      const { client, turn } = await dialog();
      client.say(`${line}\r\n`);
      expect(await turn).toEqual({ kind: "mail", line: Buffer.from(`${line}\r\n`) });
    },
  );

  test("learns no name of the server's that is not a domain", async () => {
    const client = await farEnd("client");
    opened.push(client);
    void speakWithClient(client.wire, {
      announcement: { domain: undefined, extensions: [] },
      login: undefined,
      onLoggedIn: vi.fn(),
    }).catch(() => undefined);
    await client.hear("220 localhost ESMTP\r\n");
  });
});

describe("any login", () => {
  test.each<[string, readonly (readonly [string, string])[]]>([
    ["PLAIN", [[`AUTH PLAIN ${WRONG}\r\n`, LOGGED_IN]]],
    [
      "PLAIN with a challenge",
      [
        ["AUTH PLAIN\r\n", "334 \r\n"],
        [`${WRONG}\r\n`, LOGGED_IN],
      ],
    ],
    ["PLAIN with nothing", [["auth plain =\r\n", LOGGED_IN]]],
    [
      "LOGIN",
      [
        ["AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"],
        ["YQ==\r\n", "334 UGFzc3dvcmQ6\r\n"],
        ["Yg==\r\n", LOGGED_IN],
      ],
    ],
    [
      "LOGIN with the user at once",
      [
        ["AUTH LOGIN YQ==\r\n", "334 UGFzc3dvcmQ6\r\n"],
        ["Yg==\r\n", LOGGED_IN],
      ],
    ],
    ["XOAUTH2", [["AUTH XOAUTH2 dXNlcj0BAQE=\r\n", LOGGED_IN]]],
    ["OAUTHBEARER", [["AUTH OAUTHBEARER bixhPWEsAQE=\r\n", LOGGED_IN]]],
    [
      "CRAM-MD5",
      [
        ["AUTH CRAM-MD5\r\n", `334 ${base64("<vault-proxy@localhost>")}\r\n`],
        [`${base64("a 00")}\r\n`, LOGGED_IN],
      ],
    ],
  ])("will do where none is demanded: %s", async (_name, turns) => {
    const { client } = await dialog();
    await converse(client, [["EHLO a\r\n", EHLO_REPLY], ...turns]);
    await converse(client, [[`AUTH PLAIN ${WRONG}\r\n`, "503 5.5.1 You are logged in\r\n"]]);
  });
});

test("a response that came before its challenge is none", async () => {
  const { client } = await dialog();
  await converse(client, [["AUTH CRAM-MD5 YSAwMA==\r\n", "501 5.5.4 Too many parameters\r\n"]]);
});

describe("a client that must log in", () => {
  test.each<[string, readonly (readonly [string, string])[]]>([
    ["PLAIN", [[`AUTH PLAIN ${RIGHT}\r\n`, LOGGED_IN]]],
    [
      "PLAIN with a challenge",
      [
        ["AUTH PLAIN\r\n", "334 \r\n"],
        [`${RIGHT}\r\n`, LOGGED_IN],
      ],
    ],
    ["PLAIN as itself", [[`AUTH PLAIN ${base64("agent\0agent\0local password")}\r\n`, LOGGED_IN]]],
    [
      "LOGIN",
      [
        ["AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"],
        [`${base64("agent")}\r\n`, "334 UGFzc3dvcmQ6\r\n"],
        [`${base64("local password")}\r\n`, LOGGED_IN],
      ],
    ],
    [
      "LOGIN with the user at once",
      [
        [`AUTH LOGIN ${base64("agent")}\r\n`, "334 UGFzc3dvcmQ6\r\n"],
        [`${base64("local password")}\r\n`, LOGGED_IN],
      ],
    ],
  ])("may do so by %s, and mail then", async (_name, turns) => {
    const { client, turn } = await dialog(LOGIN);
    await converse(client, turns);
    client.say("MAIL FROM:<>\r\n");
    expect((await turn).kind).toBe("mail");
  });

  test.each<[string, string]>([
    ["another password", WRONG],
    ["another user", plainMessage("agent2", "local password").toString("base64")],
    ["no password", plainMessage("agent", "").toString("base64")],
    ["another one's name to act for", base64("root\0agent\0local password")],
    ["too many parts", base64("\0agent\0local password\0")],
    ["nothing", "="],
  ])("is refused with %s", async (_name, message) => {
    const { client } = await dialog(LOGIN);
    await converse(client, [
      [`AUTH PLAIN ${message}\r\n`, REFUSED],
      ["MAIL FROM:<>\r\n", LOG_IN_FIRST],
      [`AUTH PLAIN ${RIGHT}\r\n`, LOGGED_IN],
    ]);
  });

  test("is refused with LOGIN's wrong password, and with LOGIN's wrong user", async () => {
    const { client } = await dialog(LOGIN);
    await converse(client, [
      [`AUTH LOGIN ${base64("agent")}\r\n`, "334 UGFzc3dvcmQ6\r\n"],
      ["YQ==\r\n", REFUSED],
      ["AUTH LOGIN YQ==\r\n", "334 UGFzc3dvcmQ6\r\n"],
      [`${base64("local password")}\r\n`, REFUSED],
    ]);
  });

  test("gets nothing of the mail through before that, pipelined or not", async () => {
    const { client, turn } = await dialog(LOGIN);
    client.say("EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nETRN c\r\nXCLIENT NAME=d\r\nQUIT\r\n");
    await client.hear(EHLO_REPLY + LOG_IN_FIRST.repeat(5));
    expect(await turn).toEqual({ kind: "quit" });
  });

  test("cannot smuggle commands in the content of a BDAT that is refused", async () => {
    const { client, turn } = await dialog(LOGIN);
    client.say(`BDAT 99\r\nAUTH PLAIN ${RIGHT}\r\nMAIL FROM:<a>\r\n`);
    await expect(turn).rejects.toThrow("content came before the log-in");
    expect(await client.rest()).toBe(LOG_IN_FIRST);
  });

  test("cannot use a mechanism that is not checked", async () => {
    const { client } = await dialog(LOGIN);
    for (const name of ["XOAUTH2", "OAUTHBEARER", "CRAM-MD5", "GSSAPI", ""])
      await converse(client, [[`AUTH ${name}\r\n`, "504 5.5.4 Log in with PLAIN or LOGIN\r\n"]]);
  });

  test("may give up, and try again", async () => {
    const { client } = await dialog(LOGIN);
    await converse(client, [
      ["AUTH PLAIN\r\n", "334 \r\n"],
      ["*\r\n", "501 5.5.2 Log-in given up\r\n"],
      ["AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"],
      ["no Base64\r\n", "501 5.5.2 Log-in given up\r\n"],
      // Alone in a line, an equals sign is not Base64.
      ["AUTH PLAIN\r\n", "334 \r\n"],
      ["=\r\n", "501 5.5.2 Log-in given up\r\n"],
      ["AUTH PLAIN a b\r\n", "501 5.5.4 Too many parameters\r\n"],
      [`AUTH PLAIN ${RIGHT}\r\n`, LOGGED_IN],
    ]);
  });

  test("may guess no more than three times", async () => {
    const { client, turn } = await dialog(LOGIN);
    client.say(`AUTH PLAIN ${WRONG}\r\n`.repeat(3) + `AUTH PLAIN ${RIGHT}\r\nMAIL FROM:<a>\r\n`);
    await expect(turn).rejects.toThrow("too many failed log-ins");
    expect(await client.rest()).toBe(`${REFUSED.repeat(2)}421 4.7.0 Too many failed log-ins\r\n`);
  });
});

describe("the time of the log-in", () => {
  test("is over at the greeting, for a client that need not log in", async () => {
    const { client, onLoggedIn } = await dialog();
    await converse(client, [["NOOP\r\n", "250 2.0.0 OK\r\n"]]);
    expect(onLoggedIn).toHaveBeenCalledTimes(1);
    await converse(client, [[`AUTH PLAIN ${WRONG}\r\n`, LOGGED_IN]]);
    expect(onLoggedIn).toHaveBeenCalledTimes(1);
  });

  test("is over when it has logged in, for a client that must", async () => {
    const { client, onLoggedIn } = await dialog(LOGIN);
    await converse(client, [[`AUTH PLAIN ${WRONG}\r\n`, REFUSED]]);
    expect(onLoggedIn).not.toHaveBeenCalled();
    await converse(client, [[`AUTH PLAIN ${RIGHT}\r\n`, LOGGED_IN]]);
    expect(onLoggedIn).toHaveBeenCalledTimes(1);
  });
});

describe("a hostile client", () => {
  test.each([
    ["SMTP smuggling in the log-in", "NOOP\nMAIL FROM:<a>\r\n", "a line ends with a bare LF"],
    ["a bare CR", "NOOP\rMAIL FROM:<a>\r\n", "a line holds a bare CR"],
    ["a bare LF in the mail's first command", "MAIL FROM:<a>\nRCPT TO:<b>\r\n", "a line ends with a bare LF"],
    ["a TLS handshake", "\x16\x03\x01\x02\x00", "a line holds a control character"],
    ["a line without end", "x".repeat(LIMITS.lineBytes + 1), "a message is too long"],
    ["a web page's request", "GET /EHLO HTTP/1.1\r\n", "this is not SMTP"],
    ["a web page's form", "POST / HTTP/1.1\r\nEHLO a\r\nMAIL FROM:<a>\r\n", "this is not SMTP"],
    ["a header", "Host: 127.0.0.1\r\n", "this is not SMTP"],
  ])("that sends %s is cut off", async (_name, bytes, message) => {
    const { client, turn } = await dialog();
    client.say(bytes);
    await expect(turn).rejects.toMatchObject({ message, peer: "client" });
  });

  test("that talks without end is cut off", async () => {
    const { client, turn } = await dialog();
    client.say("NOOP\r\n".repeat(LIMITS.commands + 1));
    await expect(turn).rejects.toThrow("too many commands");
  });

  test("that goes away ends it", async () => {
    const { client, turn } = await dialog();
    client.hangUp();
    await expect(turn).rejects.toThrow("the connection ended in the middle");
  });
});

test("whatever a client says and in whatever pieces, nothing is its mail before it has logged in", async () => {
  const word = fc.oneof(
    fc.constantFrom(
      ...[
        "EHLO a",
        "AUTH PLAIN",
        "AUTH LOGIN",
        `AUTH PLAIN ${WRONG}`,
        WRONG,
        "=",
        "*",
        "MAIL FROM:<a>",
        "DATA",
        "BDAT 5",
      ],
      ...["RSET", "NOOP", "QUIT", "STARTTLS", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r"],
    ),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 20 }), async (words) => {
      const { client, turn } = await dialog(LOGIN);
      for (const text of words) client.say(text);
      client.hangUp();
      const end: unknown = await turn.catch((error: unknown) => error);
      if (end instanceof Error) expect(end).toBeInstanceOf(ProtocolViolation);
      else expect(end).toEqual({ kind: "quit" });
      client.destroy();
    }),
    { numRuns: 40 },
  );
});
