import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { VaultClient, type SshExecEvent } from "./index.js";
import { clientOf, scratchDirectory, serve, TOKEN } from "./testing/client-fixture.js";
import { json } from "./testing/recording-server.js";

const RESULT = { stdout: "ü\n", stderr: "", exit_code: 3, duration_ms: 5, truncated: false };
const EXIT = { type: "exit", exit_code: 143, duration_ms: 7, signal: "TERM", truncated: true };
const FAILURE = { type: "error", status: 504, error: "too slow", code: "upstream_timeout" };

async function collect(events: AsyncIterable<SshExecEvent>): Promise<SshExecEvent[]> {
  const all: SshExecEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

function streaming(...lines: readonly (object | string)[]) {
  return serve((_, response) => {
    response.writeHead(200, { "content-type": "application/x-ndjson", "x-vault-request-id": "req_1" });
    response.end(
      lines.map((line) => (typeof line === "string" ? line : `${JSON.stringify(line)}\n`)).join(""),
    );
  });
}

describe("sshExec", () => {
  test("sends what was given and nothing else", async () => {
    const server = await serve((_, response) => json(response, 200, RESULT));
    const client = clientOf(server);
    expect(await client.sshExec("my.box", "uptime")).toEqual(RESULT);
    await client.sshExec("box", "cat", { timeout: 2.5, stdin: "ü" });
    await client.sshExec("box", "cat", { stdin: Uint8Array.of(0xff) });
    expect(
      server.requests.map(({ method, url, body }) => [`${method} ${url}`, JSON.parse(body) as unknown]),
    ).toEqual([
      ["POST /ssh/my.box/exec", { command: "uptime" }],
      ["POST /ssh/box/exec", { command: "cat", timeout: 2.5, stdin: "ü" }],
      ["POST /ssh/box/exec", { command: "cat", stdin_base64: "/w==" }],
    ]);
  });

  test("waits as long as the command may take, unless told otherwise", async () => {
    const server = await serve((_, response) => void setTimeout(() => json(response, 200, RESULT), 60));
    const client = clientOf(server, { timeoutMs: 20 });
    expect(await client.sshExec("box", "slow")).toEqual(RESULT);
    await expect(client.sshExec("box", "slow", { timeoutMs: 20 })).rejects.toMatchObject({ code: "timeout" });
  });

  test("takes more than other answers may have", async () => {
    const long = { ...RESULT, stdout: "\u0001".repeat(3_000_000) };
    const server = await serve((_, response) => json(response, 200, long));
    expect((await clientOf(server).sshExec("box", "x")).stdout).toHaveLength(3_000_000);
  });

  test.each(["stdout", "stderr", "exit_code", "duration_ms", "truncated"])(
    "tells an answer without %s apart from a vault's",
    async (field) => {
      const server = await serve((_, response) => json(response, 200, { ...RESULT, [field]: undefined }));
      await expect(clientOf(server).sshExec("box", "x")).rejects.toMatchObject({ code: "invalid_answer" });
    },
  );
});

describe("sshExecStream", () => {
  test("gives output as bytes, and the end", async () => {
    const server = await streaming(
      { type: "stdout", data: "grüße" },
      { type: "stderr", data_base64: "/wA=" },
      EXIT,
    );
    const events = await collect(clientOf(server).sshExecStream("box", "x", { timeout: 1 }));
    expect(events).toEqual([
      { type: "stdout", data: new TextEncoder().encode("grüße") },
      { type: "stderr", data: Uint8Array.of(0xff, 0x00) },
      EXIT,
    ]);
    expect(server.requests[0]?.headers.accept).toBe("application/x-ndjson");
    expect(JSON.parse(server.requests[0]?.body ?? "")).toEqual({ command: "x", timeout: 1 });
  });

  test("gives each piece while the command still runs, and leaving the loop ends the call", async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const server = await serve((_, response) => {
      closed = new Promise((resolve) => response.on("close", resolve));
      response.writeHead(200).write(`${JSON.stringify({ type: "stdout", data: "a" })}\n`);
    });
    for await (const event of clientOf(server).sshExecStream("box", "x")) {
      expect(event.type).toBe("stdout");
      break;
    }
    await closed;
  });

  test("throws what the vault says in the middle, with the status that it names", async () => {
    const server = await streaming({ type: "stdout", data: "a" }, FAILURE);
    const events = clientOf(server).sshExecStream("box", "x");
    expect((await events.next()).value).toMatchObject({ type: "stdout" });
    await expect(events.next()).rejects.toMatchObject({
      ...{
        name: "VaultError",
        status: 504,
        code: "upstream_timeout",
        message: "too slow",
        requestId: "req_1",
      },
    });
  });

  test("throws a refusal", async () => {
    const server = await serve((_, response) =>
      json(response, 403, { error: "not allowed", code: "forbidden" }),
    );
    const events = collect(clientOf(server).sshExecStream("box", "x"));
    await expect(events).rejects.toMatchObject({ status: 403, code: "forbidden" });
  });

  test("says that an answer without the command's end was cut off", async () => {
    const whole = await streaming({ type: "stdout", data: "a" });
    const cut = await serve((_, response) => {
      response.writeHead(200).write(`${JSON.stringify({ type: "stdout", data: "a" })}\n`);
      setTimeout(() => response.destroy(), 20);
    });
    for (const server of [whole, cut]) {
      const events = collect(clientOf(server).sshExecStream("box", "x"));
      await expect(events).rejects.toMatchObject({ code: "connection_failed" });
    }
  });

  test("rejects with the reason of an abort", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200).write(`${JSON.stringify({ type: "stdout", data: "a" })}\n`);
    });
    const abort = new AbortController();
    const events = clientOf(server).sshExecStream("box", "x", { signal: abort.signal });
    await events.next();
    abort.abort(new Error("enough"));
    await expect(events.next()).rejects.toThrow("enough");
  });

  test.each<object | string>([
    "no json\n",
    "[]\n",
    { type: "other" },
    { type: "stdout" },
    { type: "stdout", data: 5 },
    { type: "stdout", data_base64: "!" },
    { ...EXIT, exit_code: "0" },
    { ...EXIT, truncated: undefined },
    { ...EXIT, signal: 15 },
    { ...FAILURE, status: undefined },
    { ...FAILURE, code: undefined },
  ])("tells %j apart from what a vault says", async (line) => {
    const events = collect(clientOf(await streaming(line)).sshExecStream("box", "x"));
    await expect(events).rejects.toMatchObject({ code: "invalid_answer" });
  });
});

test.each([
  ["http://127.0.0.1:8390", "ws://127.0.0.1:8390/ssh/my.box/session?cols=80&rows=24"],
  ["https://vault.example/base/", "wss://vault.example/base/ssh/my.box/session?cols=80&rows=24"],
  ["unix:/run/vault.sock", "ws+unix:/run/vault.sock:/ssh/my.box/session?cols=80&rows=24"],
])("a terminal at %s is opened at %s, without a token in it", (addr, url) => {
  const client = new VaultClient({ addr, token: TOKEN });
  expect(client.sshSessionURL("my.box", { cols: 80, rows: 24 })).toBe(url);
  expect(client.sshSessionURL("my.box")).toBe(url.replace(/\?.*/, ""));
  expect(() => client.sshSessionURL("..")).toThrow("cannot be a name");
});

test("host keys are set and cleared where the vault has them", async () => {
  const info = { name: "box", auth_type: "ssh_key", ssh_host_key_fingerprint: "SHA256:x" };
  const server = await serve((_, response) => json(response, 200, info));
  const client = clientOf(server);
  expect(await client.setHostKey("box", "SHA256:x")).toEqual(info);
  expect(await client.clearHostKey("box")).toEqual(info);
  expect(server.requests.map(({ method, url, body }) => [method, url, body])).toEqual([
    ["PUT", "/services/box/host-key", '{"host_key":"SHA256:x"}'],
    ["DELETE", "/services/box/host-key", ""],
  ]);
});

test.each(["ssh_host", "ssh_host_key_fingerprint", "ssh_port", "ssh_allowed_commands", "ssh_allowed_paths"])(
  "a service whose %s is of another type is none of a vault",
  async (field) => {
    const server = await serve((_, response) => {
      json(response, 200, { name: "box", auth_type: "ssh_key", [field]: { not: "this" } });
    });
    await expect(clientOf(server).getService("box")).rejects.toMatchObject({ code: "invalid_answer" });
  },
);

test("files go to a server as a form, and come back", async () => {
  const local = join(await scratchDirectory(), "local");
  await writeFile(local, "content");
  const server = await serve((request, response) => {
    if (request.url === "/ssh/box/download") response.end("content");
    else json(response, 200, { ok: true, bytes: 7, remote_path: "/srv/x" });
  });
  const client = clientOf(server);
  const pieces = async function* (): AsyncGenerator<Uint8Array | string, void, undefined> {
    await Promise.resolve();
    yield "con";
    yield new TextEncoder().encode("tent");
  };
  const sources = [
    ...[local, Buffer.from("content"), new Uint8Array(Buffer.from("content")).buffer, new Blob(["content"])],
    ...[pieces(), new Blob(["content"]).stream()],
  ];
  for (const source of sources) {
    const uploaded = await client.sshUpload("box", "/srv/ü x", source, { mode: 0o755 });
    expect(uploaded).toEqual({ ok: true, bytes: 7, remote_path: "/srv/x" });
  }
  await client.sshUpload("box", "/srv/x", "/dev/null", { mode: "600" });
  await client.sshUpload("box", "/srv/x", new Uint8Array(0));
  for (const { url, headers, body } of server.requests.slice(0, sources.length)) {
    expect(url).toBe("/ssh/box/upload");
    const boundary = (headers["content-type"] ?? "").replace("multipart/form-data; boundary=", "");
    expect(boundary).toMatch(/^[a-z0-9-]{20,70}$/);
    expect(body.replaceAll(boundary, "B")).toBe(
      '--B\r\nContent-Disposition: form-data; name="remote_path"\r\n\r\n/srv/ü x\r\n' +
        '--B\r\nContent-Disposition: form-data; name="mode"\r\n\r\n0755\r\n' +
        '--B\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n' +
        "Content-Type: application/octet-stream\r\n\r\ncontent\r\n--B--\r\n",
    );
  }
  // What is at hand whole has a length; a stream has none.
  expect(server.requests.map(({ headers }) => "content-length" in headers)).toEqual([
    ...[true, true, true, true, false, false],
    ...[true, true],
  ]);
  const [octal, none] = server.requests.slice(sources.length);
  expect(octal?.body).toContain('name="mode"\r\n\r\n600\r\n');
  expect(none?.body).not.toContain('name="mode"');

  expect(Buffer.from(await client.sshDownload("box", "/srv/x")).toString()).toBe("content");
  expect(server.requests.at(-1)?.body).toBe('{"remote_path":"/srv/x"}');
});

test.each<number | string>(["rw", "8", "07777 ", 0o77777, ""])("%j is no mode", async (mode) => {
  const client = new VaultClient({ token: TOKEN });
  const upload = client.sshUpload("box", "/x", new Uint8Array(0), { mode });
  await expect(upload).rejects.toMatchObject({ code: "invalid_request" });
});

test("half of a character in a remote path is refused, which a form would change", async () => {
  const upload = new VaultClient({ token: TOKEN }).sshUpload("box", "/x\ud800", new Uint8Array(0));
  await expect(upload).rejects.toMatchObject({ code: "invalid_request" });
});

test("a download that breaks off, or is refused, is told", async () => {
  const cut = await serve((_, response) => {
    response.writeHead(200, { "content-length": "10" }).write("half");
    setTimeout(() => response.destroy(), 20);
  });
  await expect(clientOf(cut).sshDownload("box", "/x")).rejects.toMatchObject({ code: "connection_failed" });
  const refused = await serve((_, response) =>
    json(response, 404, { error: "no such file", code: "not_found" }),
  );
  await expect(clientOf(refused).sshDownload("box", "/x")).rejects.toMatchObject({ status: 404 });
});
