import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { Secret } from "../../redaction/secret.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { LocalLogin } from "../session-driver.js";
import { farEnd, type FarEnd } from "../testing/far-end.js";
import { logInClient } from "./client-login.js";
import { IMAP_LIMITS } from "./limits.js";

const LOGIN: LocalLogin = { username: "us er", password: new Secret('pass "word" ü') };
const CAPABILITIES = ["IMAP4rev1", "IDLE", "AUTH=PLAIN", "SASL-IR"];
const GREETING = "* OK [CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN SASL-IR] vault-proxy is ready\r\n";

const ends: FarEnd[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.destroy();
});

interface Attempt {
  readonly client: FarEnd;
  /** The tag of its log-in. */
  readonly result: Promise<string | undefined>;
}

/** A client that has heard the greeting. */
async function greeted(login?: LocalLogin): Promise<Attempt> {
  const client = await farEnd("client");
  ends.push(client);
  const result = logInClient(client.wire, { capabilities: CAPABILITIES, login });
  result.catch(() => undefined);
  await client.hear(GREETING);
  return { client, result };
}

const latin1 = (text: string): string => Buffer.from(text).toString("latin1");
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const PASSWORD = latin1(LOGIN.password.reveal());
const QUOTED = latin1(String.raw`"pass \"word\" ü"`);

describe.each([
  ["without a password that it must give", undefined],
  ["with the password that it must give", LOGIN],
])("%s a client logs in", (_name, login) => {
  test.each([
    ["quoted strings", `a LOGIN "us er" ${QUOTED}\r\n`],
    ["non-synchronizing literals", `a login {5+}\r\nus er {${PASSWORD.length}+}\r\n${PASSWORD}\r\n`],
    [
      "AUTHENTICATE PLAIN at once",
      `a AUTHENTICATE plain ${base64(`\0us er\0${LOGIN.password.reveal()}`)}\r\n`,
    ],
    [
      "AUTHENTICATE PLAIN as itself",
      `a AUTHENTICATE PLAIN ${base64(`us er\0us er\0${LOGIN.password.reveal()}`)}\r\n`,
    ],
  ])("by %s", async (_form, command) => {
    const { client, result } = await greeted(login);
    client.say(command);
    expect(await result).toBe("a");
  });

  test("by literals that it is asked for", async () => {
    const { client, result } = await greeted(login);
    client.say("a LOGIN {5}\r\n");
    await client.hear("+ go on\r\n");
    client.say(`us er {${PASSWORD.length}}\r\n`);
    await client.hear("+ go on\r\n");
    client.say(`${PASSWORD}\r\n`);
    expect(await result).toBe("a");
  });

  test("by AUTHENTICATE PLAIN and a challenge", async () => {
    const { client, result } = await greeted(login);
    client.say("a AUTHENTICATE PLAIN\r\n");
    await client.hear("+ \r\n");
    client.say(`${base64(`\0us er\0${LOGIN.password.reveal()}`)}\r\n`);
    expect(await result).toBe("a");
  });

  test.each([
    ["and two challenges", "a AUTHENTICATE LOGIN\r\n", true],
    ["and one", `a AUTHENTICATE LOGIN ${base64("us er")}\r\n`, false],
  ])("by AUTHENTICATE LOGIN %s", async (_form, command, isAskedForUser) => {
    const { client, result } = await greeted(login);
    client.say(command);
    if (isAskedForUser) {
      await client.hear(`+ ${base64("Username:")}\r\n`);
      client.say(`${base64("us er")}\r\n`);
    }
    await client.hear(`+ ${base64("Password:")}\r\n`);
    client.say(`${base64(LOGIN.password.reveal())}\r\n`);
    expect(await result).toBe("a");
  });
});

describe("a client that may give anything", () => {
  test.each([
    ["the empty string", 'a LOGIN "" ""\r\n'],
    ["empty literals", "a LOGIN {0+}\r\n {0+}\r\n\r\n"],
    ["atoms", "a LOGIN user@mail.test any\r\n"],
    ["atoms of careless clients", "a LOGIN DOMAIN\\us%er any*]\r\n"],
    ["lines that end in a line feed", "a LOGIN user any\n"],
    ["a message of XOAUTH2", `a AUTHENTICATE XOAUTH2 ${base64("user=me\x01auth=Bearer x\x01\x01")}\r\n`],
    ["a message of OAUTHBEARER", `a AUTHENTICATE OAUTHBEARER ${base64("n,,\x01auth=Bearer x\x01\x01")}\r\n`],
    ["no message of OAUTHBEARER", "a AUTHENTICATE OAUTHBEARER =\r\n"],
    ["an empty user name and password", `a AUTHENTICATE PLAIN ${base64("\0\0")}\r\n`],
  ])("logs in with %s", async (_name, command) => {
    const { client, result } = await greeted();
    client.say(command);
    expect(await result).toBe("a");
  });
});

describe("a client that must give a password", () => {
  const REFUSED = "NO [AUTHENTICATIONFAILED] wrong user name or password\r\n";
  test.each([
    ["another password", 'a LOGIN "us er" "password"\r\n'],
    ["another user", `a LOGIN user ${QUOTED}\r\n`],
    ["the password as the user", `a LOGIN ${QUOTED} ${QUOTED}\r\n`],
    ["nothing", 'a LOGIN "" ""\r\n'],
    ["a password that only looks the same in another encoding", 'a LOGIN "us er" "pass \\"word\\" \xfc"\r\n'],
    ["another password of PLAIN", `a AUTHENTICATE PLAIN ${base64("\0us er\0password")}\r\n`],
    ["a message of XOAUTH2", `a AUTHENTICATE XOAUTH2 ${base64("user=us er\x01auth=Bearer x\x01\x01")}\r\n`],
  ])("does not pass with %s", async (_name, command) => {
    const { client, result } = await greeted(LOGIN);
    client.say(command);
    await client.hear(`a ${REFUSED}`);
    client.say(`b LOGIN "us er" ${QUOTED}\r\n`);
    expect(await result).toBe("b");
  });

  test("may not act as somebody else", async () => {
    const { client, result } = await greeted(LOGIN);
    client.say(`a AUTHENTICATE PLAIN ${base64(`root\0us er\0${LOGIN.password.reveal()}`)}\r\n`);
    await client.hear("a NO [AUTHORIZATIONFAILED] act as yourself\r\n");
    client.say(`b LOGIN "us er" ${QUOTED}\r\n`);
    expect(await result).toBe("b");
  });

  test("has three tries on a connection", async () => {
    const { client, result } = await greeted(LOGIN);
    client.say(`a LOGIN x y\r\nb LOGIN x y\r\nc LOGIN x y\r\nd LOGIN "us er" ${QUOTED}\r\n`);
    await client.hear(`a ${REFUSED}b ${REFUSED}c ${REFUSED}`);
    await expect(result).rejects.toThrow("too many wrong passwords");
  });
});

describe("before the log-in", () => {
  test("CAPABILITY, ID and NOOP are answered, whatever their letter case", async () => {
    const { client, result } = await greeted();
    client.say('a capability\r\nB.2 Id ("name" "x" "v" {3}\r\n');
    await client.hear("* CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN SASL-IR\r\na OK these are all\r\n+ go on\r\n");
    client.say("1.0)\r\nc NOOP\r\nd LOGIN x y\r\n");
    await client.hear("* ID NIL\r\nB.2 OK that is all\r\nc OK nothing done\r\n");
    expect(await result).toBe("d");
  });

  test("LOGOUT closes in order", async () => {
    const { client, result } = await greeted();
    client.say("a LOGOUT\r\nb NOOP\r\n");
    expect(await result).toBeUndefined();
    expect(await client.rest()).toBe("* BYE until next time\r\na OK logged out\r\n");
  });

  test.each([
    "SELECT INBOX",
    "STARTTLS",
    'LIST "" {1+}\r\n*',
    "XYZZY",
    "ENABLE UTF8=ACCEPT",
    "COMPRESS DEFLATE",
  ])("%s is BAD, and does no harm", async (command) => {
    const { client, result } = await greeted();
    client.say(`a ${command}\r\nb LOGIN x y\r\n`);
    await client.hear("a BAD not before the log-in\r\n");
    expect(await result).toBe("b");
  });

  test.each([
    ["LOGIN", "BAD LOGIN takes a user name and a password"],
    ["LOGIN user", "BAD LOGIN takes a user name and a password"],
    ["LOGIN user pass more", "BAD LOGIN takes a user name and a password"],
    ['LOGIN user "pass', "BAD LOGIN takes a user name and a password"],
    ["AUTHENTICATE", "BAD AUTHENTICATE takes a mechanism"],
    ["AUTHENTICATE PLAIN a b", "BAD AUTHENTICATE takes a mechanism"],
    ["AUTHENTICATE GSSAPI", "NO there is no such mechanism here"],
    ["AUTHENTICATE PLAIN AA", "BAD this is not Base64"],
    ["AUTHENTICATE PLAIN AAAA", "BAD this is not a message of PLAIN"],
    ["AUTHENTICATE PLAIN =", "BAD this is not a message of PLAIN"],
    ["AUTHENTICATE PLAIN *", "BAD cancelled"],
  ])("%s is %s", async (command, answer) => {
    const { client, result } = await greeted();
    client.say(`a ${command}\r\nb LOGIN x y\r\n`);
    await client.hear(`a ${answer}\r\n`);
    expect(await result).toBe("b");
  });

  test("a log-in is cancelled by a star", async () => {
    const { client, result } = await greeted();
    client.say("a AUTHENTICATE LOGIN\r\n");
    await client.hear(`+ ${base64("Username:")}\r\n`);
    client.say("*\r\nb LOGIN x y\r\n");
    await client.hear("a BAD cancelled\r\n");
    expect(await result).toBe("b");
  });
});

test("what is sent ahead of the log-in's end stays for the server, at whatever byte it is split", async () => {
  const ahead = "b SELECT INBOX\r\nc APPEND x {3+}\r\n\r\n\0\r\n";
  const text = `a CAPABILITY\r\nz LOGIN {1+}\r\nx "y"\r\n${ahead}`;
  for (let split = 0; split <= text.length; split += 1) {
    const { client, result } = await greeted();
    client.say(text.slice(0, split));
    if (split % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    client.say(text.slice(split));
    expect(await result).toBe("z");
    expect((await client.wire.readExactly(ahead.length)).toString("latin1")).toBe(ahead);
    client.destroy();
  }
});

describe("a client's violation ends its connection", () => {
  test.each([
    [
      "cross-protocol request: HTTP from a browser",
      "POST / HTTP/1.1\r\nHost: x\r\n\r\na LOGIN x y\r\n",
      "not an IMAP command",
    ],
    ["a TLS handshake", "\x16\x03\x01\x02\0", "not an IMAP command"],
    ["response splitting: a tag that holds a line end", "a\r\n* OK LOGIN x y\r\n", "not an IMAP command"],
    ["a NUL", "a LOGIN \0 y\r\n", "a NUL"],
    ["a carriage return in a quoted string", 'a LOGIN "\r" y\r\n', "a carriage return"],
    ["a line that does not end", `a LOGIN ${"x".repeat(IMAP_LIMITS.lineBytes)}`, "too long"],
    ["a line that ends too late", `a LOGIN ${"x".repeat(IMAP_LIMITS.lineBytes)} y\r\n`, "too long"],
    [
      "a line behind a literal that ends too late",
      `a LOGIN {0+}\r\n ${"x".repeat(IMAP_LIMITS.lineBytes)}\r\n`,
      "too long",
    ],
    [
      "a response that ends too late",
      `a AUTHENTICATE PLAIN\r\n${"A".repeat(IMAP_LIMITS.lineBytes)}\r\n`,
      "too long",
    ],
    [
      "a literal that is too long and on its way",
      `a LOGIN {${IMAP_LIMITS.literalBytes + 1}+}\r\nb LOGIN x y\r\n`,
      "literal is too long",
    ],
    ["literal bomb", "a LOGIN {99999999999999999999+}\r\n", "literal is too long"],
    [
      "too many literals",
      `a ID (${"{1+}\r\nx ".repeat(IMAP_LIMITS.literals)}{1+}\r\nx)\r\n`,
      "literal is too long",
    ],
    ["too many commands", "a NOOP\r\n".repeat(IMAP_LIMITS.commands), "too many commands"],
    ["an end in the middle", "a LOG", "the connection ended in the middle"],
  ])("%s", async (_name, said, message) => {
    const { client, result } = await greeted();
    client.say(said);
    client.hangUp();
    const failure: unknown = await result.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProtocolViolation);
    expect(failure).toMatchObject({ peer: "client", message: expect.stringContaining(message) as string });
  });

  test("but not a literal that is too long and waits to be asked for", async () => {
    const { client, result } = await greeted();
    client.say(`a LOGIN {${IMAP_LIMITS.literalBytes + 1}}\r\nb LOGIN {${IMAP_LIMITS.literalBytes}+}\r\n`);
    await client.hear("a BAD [TOOBIG] the literal is too long\r\n");
    client.say(`${"x".repeat(IMAP_LIMITS.literalBytes)} y\r\n`);
    expect(await result).toBe("b");
  });
});

test("of any bytes a client logs in, logs out, or is a violation, and is told nothing but lines of IMAP", async () => {
  const likely = fc.constantFrom(
    ...[
      "a1 ",
      "LOGIN ",
      "AUTHENTICATE ",
      "PLAIN",
      "LOGIN",
      "LOGOUT",
      "{3}",
      "{3+}",
      "\r\n",
      "\r\n",
      "\r\n",
      "\n",
    ],
    ...['"', "\\", "AAAA", "*", "=", "x", " ", " ", "\r", "\0", "\xff"],
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array).toString("latin1")),
    fc.array(likely, { maxLength: 40 }).map((parts) => parts.join("")),
  );
  await fc.assert(
    fc.asyncProperty(bytes, fc.boolean(), async (said, needsLogin) => {
      const { client, result } = await greeted(needsLogin ? LOGIN : undefined);
      client.say(said);
      client.hangUp();
      const outcome: unknown = await result.catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ProtocolViolation);
      else if (outcome !== undefined) expect(outcome).toMatch(/^[!-~]+$/);
      await client.wire.end();
      expect(await client.rest()).toMatch(/^(?:[!-~]+ [ -~]*\r\n)*$/);
      client.destroy();
    }),
    { numRuns: 300 },
  );
});
