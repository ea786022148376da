import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createControlPlane } from "./app.js";
import type { Answer, ControlPlaneFixture, MultipartPart } from "./testing/control-plane-fixture.js";
import { multipart, MULTIPART_HEADERS, startControlPlane } from "./testing/control-plane-fixture.js";

let fixture: ControlPlaneFixture;
beforeEach(async () => {
  fixture = await startControlPlane();
});
afterEach(() => fixture.close());

const MEBIBYTE = 1024 * 1024;

const filePart = (name: string, content: string | Buffer, type?: string): MultipartPart => [
  `name="file"; filename="${name}"`,
  type,
  content,
];
const namePart = (name: string): MultipartPart => ['name="name"', undefined, name];

const upload = (...parts: MultipartPart[]): Promise<Answer> =>
  fixture.call("POST", "/files", {
    token: fixture.admin,
    body: multipart(...parts),
    headers: MULTIPART_HEADERS,
  });
const get = (name: string): Promise<Answer> =>
  fixture.call("GET", `/files/${name}`, { token: fixture.admin });

test("only an admin's upload may take its time", async () => {
  let allowed = 0;
  const app = createControlPlane({ ...fixture.parts, allowUpload: () => void (allowed += 1) });
  const send = async (token: string): Promise<number> => {
    const headers = { ...MULTIPART_HEADERS, Authorization: `Bearer ${token}` };
    return (await app.request("/files", { method: "POST", headers, body: multipart(filePart("a", "x")) }))
      .status;
  };
  expect([await send("tok_none"), await send(fixture.proxy), allowed]).toEqual([401, 403, 0]);
  expect([await send(fixture.admin), allowed]).toEqual([201, 1]);
});

describe("POST /files", () => {
  test("stores a file under the name given", async () => {
    const answer = await upload(namePart("key.json"), filePart("other.json", '{"a":1}', "application/json"));
    expect(answer).toMatchObject({
      status: 201,
      json: { name: "key.json", mime_type: "application/json", size: 7 },
    });
    expect((await get("key.json")).text).toBe('{"a":1}');
    expect((await get("other.json")).status).toBe(404);
  });

  test("takes the file's own name where none is given", async () => {
    expect((await upload(filePart("own.pem", "x"))).json).toMatchObject({ name: "own.pem" });
  });

  test("takes what FormData of the platform sends, names in any script", async () => {
    const form = new FormData();
    form.append("file", new Blob(["x"], { type: "text/plain" }), 'ключ "1".txt');
    const answer = await fixture.call("POST", "/files", { token: fixture.admin, body: form });
    expect(answer).toMatchObject({ status: 201, json: { name: 'ключ "1".txt', mime_type: "text/plain" } });
    const download = await get(encodeURIComponent('ключ "1".txt'));
    expect(download.headers.get("content-disposition")).toBe(
      "attachment; filename=\"____ _1_.txt\"; filename*=UTF-8''%D0%BA%D0%BB%D1%8E%D1%87%20%221%22.txt",
    );
  });

  test.each(["é", "😀"])(
    "takes a name of 255 characters %s, which are more bytes, but not of 256",
    async (character) => {
      const name = character.repeat(255);
      expect(await upload(namePart(name), filePart("a", "x"))).toMatchObject({ status: 201, json: { name } });
      await fixture.vault.lock();
      await fixture.unlock();
      expect((await get(encodeURIComponent(name))).text).toBe("x");
      expect(await upload(namePart(name + character), filePart("a", "x"))).toMatchObject({
        status: 400,
        json: { error: "name: must have at most 255 characters" },
      });
    },
  );

  test("takes a name that holds U+FFFD, which is UTF-8 as well", async () => {
    expect((await upload(namePart("a\ufffd"), filePart("b", "x"))).json).toMatchObject({ name: "a\ufffd" });
  });

  test("replaces the file of that name", async () => {
    await upload(filePart("a", "first"));
    await upload(filePart("a", "second"));
    expect((await get("a")).text).toBe("second");
    expect((await fixture.call("GET", "/files", { token: fixture.admin })).json).toHaveLength(1);
  });

  test("keeps no media type that is none, and no parameters of one", async () => {
    expect((await upload(filePart("a", "x", "nonsense"))).json).toMatchObject({
      mime_type: "application/octet-stream",
    });
    expect((await upload(filePart("a", "x", "text/plain; charset=utf-8"))).json).toMatchObject({
      mime_type: "text/plain",
    });
  });

  test("takes an empty file, and one of 5 MiB byte for byte, but not one byte more", async () => {
    expect((await upload(filePart("empty", ""))).json).toMatchObject({ size: 0 });
    const bytes = Buffer.alloc(5 * MEBIBYTE, "vault\r\n--");
    expect((await upload(filePart("large", bytes))).json).toMatchObject({ size: bytes.length });
    expect((await get("large")).text).toBe(bytes.toString());
    const before = fixture.snapshot();
    for (const excess of [1, MEBIBYTE]) {
      const answer = await upload(filePart("larger", Buffer.alloc(5 * MEBIBYTE + excess)));
      expect(answer).toMatchObject({ status: 413, json: { code: "body_too_large" } });
    }
    expect(fixture.snapshot()).toBe(before);
  });

  test.each<[string, MultipartPart[], string | RegExp]>([
    ["no file", [namePart("a")], "file: is required"],
    [
      "a file that is a mere field",
      [['name="file"', undefined, "x"]],
      "file: must be a file, with a filename",
    ],
    [
      "a name that is a file",
      [['name="name"; filename="a"', undefined, "x"]],
      "name: must be text, without a filename",
    ],
    ["two files", [filePart("a", "x"), filePart("b", "y")], "file: only one file can be sent"],
    ["two names", [namePart("a"), namePart("b"), filePart("a", "x")], "name: must be given once"],
    ["another field", [filePart("a", "x"), ['name="hunter2"', undefined, "x"]], /^unknown field: /],
    ["__proto__", [filePart("a", "x"), ['name="__proto__"', undefined, "x"]], /^unknown field: /],
    ["an empty name", [namePart(""), filePart("a", "x")], "name: must not be empty"],
    ["a path", [filePart("a/b", "x")], "name: must not hold / or \\"],
    ["a Windows path", [namePart("a\\b"), filePart("a", "x")], "name: must not hold / or \\"],
    ["two dots", [filePart("a..b", "x")], "name: must not be . or hold .."],
    ["a dot", [filePart(".", "x")], "name: must not be . or hold .."],
    [
      "a control character",
      [namePart("a\u0007"), filePart("a", "x")],
      "name: must not hold control characters",
    ],
    [
      "a long name",
      [namePart("x".repeat(256)), filePart("a", "x")],
      "name: must have at most 255 characters",
    ],
  ])("with %s is 400 and changes nothing", async (_title, parts, error) => {
    const before = fixture.snapshot();
    const answer = await upload(...parts);
    expect(answer.status).toBe(400);
    expect((answer.json as { error: string }).error).toMatch(error);
    expect(answer.text).not.toContain("hunter2");
    expect(fixture.snapshot()).toBe(before);
  });

  const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
  const rawUpload = (body: Buffer, headers: Record<string, string> = MULTIPART_HEADERS): Promise<Answer> =>
    fixture.call("POST", "/files", { token: fixture.admin, body, headers });
  const disposition = 'Content-Disposition: form-data; name="file"; filename=';
  const rawFile = (filename: string, header = ""): string =>
    `--b\r\n${disposition}"${filename}"\r\n${header}\r\nYWJj\xff\r\n`;
  const rawName = (name: string): string =>
    `--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n${name}\r\n`;
  const RAW = { "Content-Type": 'multipart/form-data; boundary="b"' };

  test.each([
    ["a file name", rawFile("\xff")],
    ["a file name beside a good name", `${rawName("a")}${rawFile("\xff")}`],
    ["a name", `${rawName("\xff\xfe")}${rawFile("a")}`],
    ["a name that comes last", `${rawFile("a")}${rawName("\xc3")}`],
  ])("with %s that is not UTF-8 is 400", async (_title, parts) => {
    expect(await rawUpload(bytes(`${parts}--b--\r\n`), RAW)).toMatchObject({
      status: 400,
      json: { error: "name: is not valid UTF-8" },
    });
    expect(fixture.vault.files.list()).toEqual([]);
  });

  test.each(["base64", "BASE64", "quoted-printable", "x", " base64 "])(
    "in the transfer encoding %s is 400",
    async (encoding) => {
      for (const name of ["Content-Transfer-Encoding", "content-transfer-encoding"]) {
        const body = bytes(`${rawFile("a", `${name}:${encoding}\r\n`)}--b--\r\n`);
        expect(await rawUpload(body, RAW)).toMatchObject({ status: 400, json: { code: "invalid_request" } });
      }
      const field = rawName("a").replace("\r\n\r\n", `\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`);
      expect((await rawUpload(bytes(`${rawFile("a")}${field}--b--\r\n`), RAW)).status).toBe(400);
      expect(fixture.vault.files.list()).toEqual([]);
    },
  );

  test.each(["binary", "7bit", "8bit", "Binary"])("in the encoding %s keeps every byte", async (encoding) => {
    const body = bytes(`${rawFile("a", `Content-Transfer-Encoding: ${encoding}\r\n`)}--b--\r\n`);
    expect(await rawUpload(body, RAW)).toMatchObject({ status: 201, json: { size: 5 } });
    expect(await fixture.vault.files.read("a")).toEqual(bytes("YWJj\xff"));
  });

  test("takes a file that holds a message with a transfer encoding of its own", async () => {
    const message =
      "Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\nx";
    await upload(filePart("mail.eml", message));
    expect((await get("mail.eml")).text).toBe(message);
  });

  test.each(["gzip", "br", "identity, gzip", "x"])("in the content coding %s is 415", async (coding) => {
    const headers = { ...MULTIPART_HEADERS, "Content-Encoding": coding };
    expect(await rawUpload(multipart(filePart("a", "x")), headers)).toMatchObject({
      status: 415,
      json: { code: "unsupported_media_type" },
    });
    expect(fixture.vault.files.list()).toEqual([]);
  });

  test("of something that is no form is 415, of a broken form 400", async () => {
    const post = (body: string, type?: string): Promise<Answer> =>
      fixture.call("POST", "/files", {
        token: fixture.admin,
        body: Buffer.from(body),
        headers: type === undefined ? {} : { "Content-Type": type },
      });
    expect((await post("{}", "application/json")).status).toBe(415);
    expect((await post("x")).status).toBe(415);
    expect((await post("a=b", "application/x-www-form-urlencoded")).status).toBe(415);
    for (const type of ["multipart/form-data", MULTIPART_HEADERS["Content-Type"]]) {
      expect(await post("hunter2", type)).toMatchObject({
        status: 400,
        json: { error: "body: is not valid multipart/form-data" },
      });
    }
    expect(fixture.vault.files.list()).toEqual([]);
  });
});

describe("GET /files", () => {
  test("lists by name, with size and time", async () => {
    await upload(filePart("b", "xx", "text/plain"));
    await upload(filePart("a", ""));
    expect((await fixture.call("GET", "/files", { token: fixture.admin })).json).toEqual([
      { name: "a", mime_type: "text/plain", size: 0, created_at: "2026-03-01T12:00:00.000Z" },
      { name: "b", mime_type: "text/plain", size: 2, created_at: "2026-03-01T12:00:00.000Z" },
    ]);
  });

  test("gives a file as a download that no browser runs", async () => {
    await upload(filePart("page.html", "<script>", "text/html"));
    const answer = await get("page.html");
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/html",
      "content-length": "8",
      "content-disposition": 'attachment; filename="page.html"',
      "x-content-type-options": "nosniff",
    });
    const head = await fixture.call("HEAD", "/files/page.html", { token: fixture.admin });
    expect(head.headers.get("content-length")).toBe("8");
  });

  test.each(["missing", "constructor", "__proto__"])("of %s is 404", async (name) => {
    expect(await get(name)).toMatchObject({ status: 404, json: { error: "no such file" } });
  });

  test("of a name that no file can have is 400", async () => {
    expect(await get("..%2Fvault.enc")).toMatchObject({
      status: 400,
      json: { error: "name: must not hold / or \\" },
    });
  });
});

describe("DELETE /files/{name}", () => {
  test("deletes once, then is 404", async () => {
    await upload(filePart("a", "x"));
    const remove = (): Promise<Answer> => fixture.call("DELETE", "/files/a", { token: fixture.admin });
    expect(await remove()).toMatchObject({ status: 200, json: { status: "deleted" } });
    expect((await remove()).status).toBe(404);
    expect((await get("a")).status).toBe(404);
  });
});
