import { afterEach, describe, expect, test } from "vitest";
import { imapType, type ImapConfig } from "../../auth-strategies/session-types/imap.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { Secret } from "../../redaction/secret.js";
import type { ConnectedEnds, ConnectionTools, LocalLogin } from "../session-driver.js";
import { farEnd, toolsFor, type FarEnd } from "../testing/far-end.js";
import { imapDriver } from "./driver.js";
import { IMAP_LIMITS } from "./limits.js";

const PASSWORD = "the stored password";
const LOGIN: LocalLogin = { username: "local", password: new Secret("random") };
const CONFIG = imapType.schema.parse({
  ...{ type: "imap", imap_host: "mail.test", imap_user: "user", imap_password: PASSWORD, imap_tls: "none" },
}) as ImapConfig;

const ends: FarEnd[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.destroy();
});

interface World {
  readonly client: FarEnd;
  readonly server: FarEnd;
  readonly result: Promise<ConnectedEnds | undefined>;
  /** What it failed with. */
  readonly failure: Promise<Error>;
  readonly isServerAsked: () => boolean;
}

async function connected(login?: LocalLogin, unreachable?: VaultProxyError): Promise<World> {
  const [client, server] = [await farEnd("client"), await farEnd("server")];
  ends.push(client, server);
  let isAsked = false;
  const tools: ConnectionTools = {
    ...toolsFor(server.wire),
    connectServer(logIn) {
      isAsked = true;
      return unreachable === undefined
        ? toolsFor(server.wire).connectServer(logIn)
        : Promise.reject(unreachable);
    },
  };
  const result = imapDriver.open(CONFIG, login).connect(client.wire, tools);
  const failure = result.then(
    () => {
      throw new Error("it connected");
    },
    (error: unknown) => error as Error,
  );
  failure.catch(() => undefined);
  return { client, server, result, failure, isServerAsked: () => isAsked };
}

async function logInServer(server: FarEnd): Promise<void> {
  server.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n");
  await server.hear(`v1 LOGIN "user" "${PASSWORD}"\r\n`);
  server.say("v1 OK [CAPABILITY IMAP4rev1 STARTTLS IDLE] in\r\n");
}

const GREETING = "* OK [CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN SASL-IR] vault-proxy is ready\r\n";

describe("a client without a password", () => {
  test("is greeted when the server is logged in, and told what the server says when it is itself", async () => {
    const { client, server, result } = await connected();
    client.say("a LOGIN any thing\r\nb SELECT INBOX\r\n");
    await logInServer(server);
    await client.hear(GREETING);
    await client.hear("a OK [CAPABILITY IMAP4rev1 STARTTLS IDLE] logged in\r\n");
    const { client: clientEnd, server: serverEnd } = (await result) ?? {};
    expect(clientEnd).toBe(client.wire);
    expect(serverEnd).toBe(server.wire);
    expect(clientEnd?.detach().rest.toString()).toBe("b SELECT INBOX\r\n");
  });

  test("gets what the server said meanwhile", async () => {
    const { client, server, result } = await connected();
    await logInServer(server);
    await client.hear(GREETING);
    server.say("* OK still here\r\n* 3 EX");
    await until(() => server.wire.hasMore);
    client.say("a LOGIN any thing\r\n");
    const ends = await result;
    expect(ends?.server.detach().rest.toString()).toBe("* OK still here\r\n* 3 EX");
  });

  test("logs out, and the server with it", async () => {
    const { client, server, result } = await connected();
    await logInServer(server);
    client.say("a LOGOUT\r\n");
    expect(await client.rest()).toContain("a OK logged out\r\n");
    expect(await server.rest()).toBe("v0 LOGOUT\r\n");
    server.hangUp();
    expect(await result).toBeUndefined();
  });

  test.each([
    ["hangs up", (server: FarEnd) => server.hangUp()],
    ["is lost", (server: FarEnd) => server.destroy()],
    ["says more than can wait", (server: FarEnd) => server.say("x".repeat(IMAP_LIMITS.waitingBytes + 1))],
  ])("is told when the server %s before it logs in", async (_name, act) => {
    const { client, server, failure } = await connected();
    await logInServer(server);
    await client.hear(GREETING);
    act(server);
    expect(await client.rest()).toBe(
      "* BYE the server closed the connection before the client logged in\r\n",
    );
    expect(await failure).toMatchObject({ code: "upstream_failed" });
  });

  test("is told that the server refuses the credential, in our words alone", async () => {
    const { client, server, failure } = await connected();
    server.say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
    await server.hear(`v1 LOGIN "user" "${PASSWORD}"\r\n`);
    server.say(`v1 NO ${PASSWORD} is wrong\r\n`);
    expect(await client.rest()).toBe("* BYE the server refused the stored credential\r\n");
    expect(await failure).toMatchObject({ code: "upstream_login_failed" });
  });

  test("is told that the server cannot be reached, on one line", async () => {
    const unreachable = new VaultProxyError("destination_blocked", "address not allowed:\r\n* OK \u2028\xe4");
    const { client, failure } = await connected(undefined, unreachable);
    expect(await client.rest()).toBe("* BYE address not allowed:??* OK ??\r\n");
    expect(await failure).toBe(unreachable);
  });

  test("is told what it did wrong, and the server logged out", async () => {
    const { client, server, failure } = await connected();
    await logInServer(server);
    await client.hear(GREETING);
    client.say("GET / HTTP/1.1\r\n");
    expect(await client.rest()).toBe("* BYE this is not an IMAP command\r\n");
    expect(await server.rest()).toBe("v0 LOGOUT\r\n");
    server.hangUp();
    expect(await failure).toMatchObject({ name: "ProtocolViolation", peer: "client" });
  });
});

describe("a client that must give a password", () => {
  const EARLY_GREETING = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] vault-proxy is ready\r\n";

  test("causes nothing at the server until it did", async () => {
    const { client, server, result, isServerAsked } = await connected(LOGIN);
    client.say("a CAPABILITY\r\nb LOGIN local wrong\r\nc NOOP\r\n");
    await client.hear(EARLY_GREETING);
    await client.hear("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\na OK these are all\r\n");
    await client.hear("b NO [AUTHENTICATIONFAILED] wrong user name or password\r\nc OK nothing done\r\n");
    expect(isServerAsked()).toBe(false);
    client.say("d LOGIN local random\r\ne NOOP\r\n");
    await logInServer(server);
    await client.hear("d OK [CAPABILITY IMAP4rev1 STARTTLS IDLE] logged in\r\n");
    expect((await result)?.client.detach().rest.toString()).toBe("e NOOP\r\n");
  });

  test("is told that the server refuses the credential, in our words alone", async () => {
    const { client, server, failure } = await connected(LOGIN);
    await client.hear(EARLY_GREETING);
    client.say("a LOGIN local random\r\n");
    server.say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
    await server.hear(`v1 LOGIN "user" "${PASSWORD}"\r\n`);
    server.say(`v1 NO ${PASSWORD} is wrong\r\n`);
    expect(await client.rest()).toBe(
      "a NO [UNAVAILABLE] the server refused the stored credential\r\n* BYE the server refused the stored credential\r\n",
    );
    expect(await failure).toMatchObject({ code: "upstream_login_failed" });
  });

  test("logs out without the server", async () => {
    const { client, result, isServerAsked } = await connected(LOGIN);
    client.say("a LOGOUT\r\n");
    expect(await client.rest()).toContain("a OK logged out\r\n");
    client.hangUp();
    expect(await result).toBeUndefined();
    expect(isServerAsked()).toBe(false);
  });

  test("has a limited number of tries", async () => {
    const { client, failure, isServerAsked } = await connected(LOGIN);
    client.say("a LOGIN x y\r\n".repeat(IMAP_LIMITS.refusedLogins));
    expect(await client.rest()).toContain("* BYE too many wrong passwords\r\n");
    expect(await failure).toMatchObject({ name: "ProtocolViolation" });
    expect(isServerAsked()).toBe(false);
  });
});

describe("the URL", () => {
  const place = { host: "127.0.0.1", port: 1234 };

  test("has the service's user where any password will do", () => {
    const config = { ...CONFIG, imap_user: "a user@mail/test:ü" };
    expect(imapDriver.urlOf(place, config)).toBe("imap://a%20user%40mail%2Ftest%3A%C3%BC@127.0.0.1:1234");
  });

  test("has the user name and password that are required", () => {
    const login = { username: "lo:cal", password: new Secret("p@ss/%") };
    expect(imapDriver.urlOf({ host: "::1", port: 5 }, CONFIG, login)).toBe(
      "imap://lo%3Acal:p%40ss%2F%25@[::1]:5",
    );
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
