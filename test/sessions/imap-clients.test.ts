import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { ImapFlow, type ImapFlowOptions } from "imapflow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoopbackSession } from "../../packages/server/src/protocols/testing/loopback-session.js";
import { cleanEnvironment, temporaryDirectory } from "../live/processes.js";
import { curl } from "../real-servers/curl.js";
import { startDovecot, type RunningDovecot } from "../real-servers/dovecot.js";
import type { MailUser } from "../real-servers/mail-users.js";
import { listenerOf, openImapSession, userFields } from "./imap-session.js";

const run = promisify(execFile);
const BIG_BYTES = 20 * 1024 * 1024;
const LINE_BYTES = 76;

/** Each client has a mailbox of its own. */
const MAILBOXES = {
  imapflow: "plain@mail.test",
  appended: "quotes@mail.test",
  mbsync: "spaces@mail.test",
  imaplib: "unicode@mail.test",
  curl: "syntax@mail.test",
  raw: "long@mail.test",
} as const satisfies Record<string, MailUser>;

let server: RunningDovecot;
const sessions = {} as Record<keyof typeof MAILBOXES, LoopbackSession>;

beforeAll(async () => {
  server = await startDovecot();
  for (const [name, user] of Object.entries(MAILBOXES)) {
    const fields = { ...listenerOf(server, "implicit"), ...userFields(user) };
    sessions[name as keyof typeof MAILBOXES] = await openImapSession(fields, { ca: server.ca });
  }
});
afterAll(async () => {
  const all = Object.values(sessions);
  expect(all.flatMap(({ failures }) => failures)).toEqual([]);
  await Promise.all(all.map((session) => session.close()));
  await server.stop();
});

describe("imapflow", () => {
  const client = (name: keyof typeof MAILBOXES, auth: ImapFlowOptions["auth"]): ImapFlow =>
    new ImapFlow({
      ...{ host: "127.0.0.1", port: sessions[name].port, secure: false, logger: false },
      auth: auth ?? { user: "whoever", pass: "whatever" },
    });

  test.each([
    ["LOGIN", { user: "whoever", pass: 'what "ever"', loginMethod: "LOGIN" }],
    ["AUTHENTICATE PLAIN", { user: "whoever", pass: "whatever", loginMethod: "AUTH=PLAIN" }],
    ["its own choice", { user: "wer auch immer \u{1f511}", pass: "ünïcode" }],
  ] as const)("logs in by %s, and lists, appends, fetches and searches", async (_name, auth) => {
    const imap = client("imapflow", auth);
    await imap.connect();
    expect((await imap.list()).map(({ path }) => path)).toEqual(expect.arrayContaining(["INBOX", "Sent"]));
    const message = Buffer.from(`Subject: gr\u00fc\u00dfe\r\n\r\nA body\r\n.\r\nwith "quotes" {3}\r\n`);
    const appended = await imap.append("INBOX", message);
    const lock = await imap.getMailboxLock("INBOX");
    const uid = String(appended && appended.uid);
    expect(await imap.fetchOne(uid, { source: true, envelope: true }, { uid: true })).toMatchObject({
      source: message,
      envelope: { subject: "grüße" },
    });
    expect(await imap.search({ body: 'with "quotes"' }, { uid: true })).toContain(Number(uid));
    lock.release();
    await imap.logout();
  });

  test("hears by IDLE of a message that another client brings", async () => {
    const [idling, other] = [client("imapflow", undefined), client("imapflow", undefined)];
    await Promise.all([idling.connect(), other.connect()]);
    const { exists } = await idling.mailboxOpen("INBOX");
    const heard = once(idling, "exists");
    const idle = idling.idle();
    await other.append("INBOX", "Subject: news\r\n\r\n");
    expect(await heard).toMatchObject([{ path: "INBOX", count: exists + 1 }]);
    await idling.noop();
    await idle;
    await Promise.all([idling.logout(), other.logout()]);
  });

  test("brings and gets a message of 20 MB, byte for byte", async () => {
    const imap = client("appended", undefined);
    await imap.connect();
    const message = bigMessage();
    await imap.append("INBOX", message);
    await imap.mailboxOpen("INBOX");
    const { content } = await imap.download("1");
    const hash = createHash("sha256");
    if (content === undefined) throw new Error("there is no message");
    for await (const chunk of content) hash.update(chunk as Buffer);
    expect(hash.digest("hex")).toBe(createHash("sha256").update(message).digest("hex"));
    await imap.logout();
  });
});

test("mbsync brings messages both ways", async () => {
  const directory = await temporaryDirectory();
  const inbox = join(directory.path, "mail", "inbox");
  try {
    for (const folder of ["cur", "new", "tmp"]) await mkdir(join(inbox, folder), { recursive: true });
    await writeFile(
      join(directory.path, "mbsyncrc"),
      mbsyncConfiguration(directory.path, sessions.mbsync.port),
    );
    const mbsync = (): Promise<unknown> =>
      run("mbsync", ["-c", join(directory.path, "mbsyncrc"), "mail"], {
        env: { ...cleanEnvironment(), HOME: directory.path },
      });
    await upload(sessions.mbsync.port, "Subject: from the server\r\n\r\nbody\r\n");
    await writeFile(join(inbox, "new", "1.local"), "Subject: from here\n\nbody\n");
    await mbsync();
    expect(await subjects(inbox)).toEqual(["from here", "from the server"]);
    expect(await subjects(server.maildir(MAILBOXES.mbsync))).toEqual(["from here", "from the server"]);
  } finally {
    await directory.remove();
  }
});

test("imaplib of Python logs in by each of its ways, stores and fetches", async () => {
  const { stdout } = await run("python3", ["-c", IMAPLIB, String(sessions.imaplib.port)]);
  expect(JSON.parse(stdout)).toEqual({
    login: ["OK", "OK", "OK"],
    select: "1",
    subject: "from python",
    bye: "BYE",
  });
});

test("curl sends a message and gets it back, by each way to log in", async () => {
  const url = `imap://127.0.0.1:${sessions.curl.port}`;
  await upload(sessions.curl.port, "Subject: from curl\r\n\r\nbody\r\n");
  for (const options of [
    [],
    ["--login-options", "AUTH=PLAIN"],
    ["--login-options", "AUTH=PLAIN", "--sasl-ir"],
  ]) {
    const result = await curl("--user", 'us"er:pass\\word', ...options, `${url}/INBOX;MAILINDEX=1`);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stdout).toBe("Subject: from curl\r\n\r\nbody\r\n");
  }
});

describe("a client that sends ahead", () => {
  const message = "Subject: ahead\r\n\r\nz LOGOUT\r\n\xff\r\n";
  const commands = [
    "a CAPABILITY",
    "b LOGIN {1+}\r\nx {1+}\r\ny",
    "c SELECT INBOX",
    `d APPEND INBOX {${message.length}+}\r\n${message}`,
    "e NOOP",
    "f CHECK",
    "g LOGOUT",
  ].map((command) => `${command}\r\n`);

  test.each([
    ["all at once, before the greeting", 1],
    ["in halves", 2],
    ["in ten pieces", 10],
  ])("%s, gets every answer in order", async (_name, pieces) => {
    const all = commands.join("");
    const size = Math.ceil(all.length / pieces);
    const socket = connect({ port: sessions.raw.port, host: "127.0.0.1", noDelay: true });
    const closed = once(socket, "close");
    let heard = "";
    socket.setEncoding("latin1").on("data", (text: string) => (heard += text));
    for (let start = 0; start < all.length; start += size) {
      socket.write(all.slice(start, start + size), "latin1");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await closed;
    const tagged = heard.split("\r\n").filter((line) => /^[a-g] /.test(line));
    expect(tagged.map((line) => line.slice(0, 4))).toEqual([
      "a OK",
      "b OK",
      "c OK",
      "d OK",
      "e OK",
      "f OK",
      "g OK",
    ]);
    expect(heard).toMatch(/^\* OK \[CAPABILITY IMAP4rev1 [^\]]*AUTH=PLAIN SASL-IR\]/);
    expect(heard).not.toContain("STARTTLS");
    expect(heard).toMatch(/\* [1-9]\d* EXISTS/);
  });
});

/** Lines of a message body, as a mail may have them. */
function bigMessage(): Buffer {
  const lines =
    randomBytes(BIG_BYTES / 2)
      .toString("hex")
      .match(new RegExp(`.{1,${LINE_BYTES}}`, "g")) ?? [];
  return Buffer.from(`Subject: big\r\nContent-Transfer-Encoding: 7bit\r\n\r\n${lines.join("\r\n")}\r\n`);
}

function mbsyncConfiguration(folder: string, port: number): string {
  return `
IMAPAccount session
Host 127.0.0.1
Port ${port}
User whoever
Pass whatever
SSLType None
AuthMechs LOGIN

IMAPStore server
Account session

MaildirStore local
Path ${folder}/mail/
Inbox ${folder}/mail/inbox

Channel mail
Far :server:
Near :local:
Patterns INBOX
Create Both
Sync All
SyncState ${folder}/
`;
}

async function subjects(maildir: string): Promise<string[]> {
  const files = await Promise.all(
    ["cur", "new"].map(async (name) => {
      const folder = join(maildir, name);
      return (await readdir(folder)).map((file) => join(folder, file));
    }),
  );
  const texts = await Promise.all(files.flat().map((file) => readFile(file, "utf8")));
  return texts.map((text) => /^Subject: (.*?)\r?$/m.exec(text)?.[1] ?? "").sort();
}

/** Appends to INBOX by curl, which wants a file that has a size. */
async function upload(port: number, message: string): Promise<void> {
  const directory = await temporaryDirectory();
  const file = join(directory.path, "message");
  await writeFile(file, message);
  const result = await curl("--upload-file", file, "--user", "any:any", `imap://127.0.0.1:${port}/INBOX`);
  await directory.remove();
  expect(result.exitCode, result.stderr).toBe(0);
}

const IMAPLIB = `
import imaplib, json, sys
port = int(sys.argv[1])
found = {"login": []}
for log_in in (
    lambda m: m.login("whoever", 'what "ever"'),
    lambda m: m.authenticate("PLAIN", lambda _: b"\\0whoever\\0whatever"),
    lambda m: m.authenticate("XOAUTH2", lambda _: b"user=me\\x01auth=Bearer x\\x01\\x01"),
):
    mail = imaplib.IMAP4("127.0.0.1", port)
    found["login"].append(log_in(mail)[0])
    last = mail
    if len(found["login"]) < 3:
        mail.logout()
mail = last
mail.append("INBOX", None, None, b"Subject: from python\\r\\n\\r\\nbody\\r\\n")
found["select"] = mail.select()[1][0].decode()
found["subject"] = mail.fetch("1", "(BODY[HEADER.FIELDS (SUBJECT)])")[1][0][1].decode().strip()[9:]
found["bye"] = mail.logout()[0]
print(json.dumps(found))
`;
