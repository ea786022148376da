import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  cli,
  PASSWORD,
  startServer,
  temporaryDirectory,
  type CliResult,
  type RunningServer,
} from "./processes.js";
import {
  headerValues,
  makeCertificates,
  startUpstream,
  type Certificates,
  type Upstream,
} from "./tls-upstream.js";

const SECRET = "cli-S3cret-0123456789";

let certificates: Certificates;
let upstream: Upstream;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;

beforeAll(async () => {
  certificates = await makeCertificates();
  upstream = await startUpstream(certificates, (request, response, body) => {
    response.statusCode = request.url === "/missing" ? 404 : 200;
    response.end(`${request.method ?? ""} ${body.toString()}`);
  });
  directory = await temporaryDirectory();
  server = await startServer({
    dataDir: join(directory.path, "data"),
    flags: ["--tls-cert", certificates.certPath, "--tls-key", certificates.keyPath],
  });
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
  await directory.remove();
  await certificates.remove();
});

beforeEach(() => {
  upstream.requests.length = 0;
});

/** vault-cli against the HTTPS listener, as the user of a home directory of its own. */
function run(args: string[], stdin = "", env: Record<string, string> = {}): Promise<CliResult> {
  return cli(args, {
    stdin,
    env: {
      HOME: directory.path,
      VAULT_ADDR: server.address,
      NODE_EXTRA_CA_CERTS: certificates.caPath,
      ...env,
    },
  });
}

async function succeed(args: string[], stdin = "", env: Record<string, string> = {}): Promise<string> {
  const result = await run(args, stdin, env);
  expect(result, args.join(" ")).toMatchObject({ code: 0 });
  return result.stdout;
}

test("before the vault is made, commands say what to do", async () => {
  expect(await succeed(["health"])).toMatch(/^vault: locked/);
  const list = await run(["service", "list"]);
  expect(list).toMatchObject({ code: 1, stdout: "" });
  expect(list.stderr).toContain("unlock");
});

test("unlock reads the password from standard input and keeps a session of mode 0600", async () => {
  const result = await run(["unlock"], `${PASSWORD}\n`);
  expect(result.code).toBe(0);
  const session = join(directory.path, ".vault-proxy", "session");
  expect(statSync(session).mode & 0o777).toBe(0o600);
  expect(readFileSync(session, "utf8")).toMatch(/^tok_/);
  const [saved = "?", address] = readFileSync(session, "utf8").split("\n");
  expect(address).toBe(server.address);
  expect(result.stdout + result.stderr).not.toContain(saved);
});

test("unlock right after a wrong password waits out its second, and ends the session before it", async () => {
  const session = join(directory.path, ".vault-proxy", "session");
  const isValid = async (token: string): Promise<boolean> =>
    (await run(["token", "list"], "", { VAULT_TOKEN: token })).code === 0;
  const tokenOf = (): string => readFileSync(session, "utf8").split("\n")[0] ?? "";
  const former = tokenOf();
  expect(await run(["unlock"], "wrong\n")).toMatchObject({ code: 1 });
  expect(tokenOf()).toBe(former);
  expect(await isValid(former)).toBe(true);
  expect(await run(["unlock"], `${PASSWORD}\n`)).toMatchObject({
    code: 0,
    stderr: "Another attempt is allowed in 1 s: waiting.\n",
  });
  expect(await Promise.all([former, tokenOf()].map(isValid))).toEqual([false, true]);

  // That of another address is none of this vault's business, nor is VAULT_TOKEN.
  const other = tokenOf();
  writeFileSync(session, `${other}\nhttps://elsewhere.example\n`, { mode: 0o600 });
  expect(await run(["unlock"], `${PASSWORD}\n`, { VAULT_TOKEN: other })).toMatchObject({ code: 0 });
  expect(await Promise.all([other, tokenOf()].map(isValid))).toEqual([true, true]);
});

describe("service add stores each kind of credential, and a proxied call carries it", () => {
  const common = (): string[] => ["--allow-private", "--tls-ca", certificates.caPath];
  const kinds: [
    string,
    string[],
    string,
    string,
    (request: Upstream["requests"][number]) => unknown,
    unknown,
  ][] = [
    [
      "bearer",
      ["--type", "bearer", "--bearer-stdin"],
      SECRET,
      "",
      (request) => headerValues(request.rawHeaders, "authorization"),
      [`Bearer ${SECRET}`],
    ],
    [
      "header",
      ["--type", "header", "--header-name", "X-Key", "--secret-stdin"],
      SECRET,
      "",
      (request) => headerValues(request.rawHeaders, "x-key"),
      [SECRET],
    ],
    [
      "headers",
      ["--type", "headers", "--header-name", "X-One", "--header-name", "X-Two", "--secret-stdin"],
      `${SECRET}\nsecond\n`,
      "",
      (request) => [
        ...headerValues(request.rawHeaders, "x-one"),
        ...headerValues(request.rawHeaders, "x-two"),
      ],
      [SECRET, "second"],
    ],
    [
      "basic",
      ["--type", "basic", "--username", "ann", "--secret-stdin"],
      SECRET,
      "",
      (request) => headerValues(request.rawHeaders, "authorization"),
      [`Basic ${Buffer.from(`ann:${SECRET}`).toString("base64")}`],
    ],
    [
      "url",
      ["--type", "url", "--secret-stdin"],
      SECRET,
      "/bot{token}",
      (request) => request.target,
      `/bot${SECRET}/x`,
    ],
    [
      "query",
      ["--type", "query", "--param-name", "key", "--secret-stdin"],
      SECRET,
      "",
      (request) => request.target,
      `/x?key=${SECRET}`,
    ],
  ];
  test.each(kinds)("%s", async (name, flags, stdin, path, look, expected) => {
    await succeed(
      ["service", "add", name, "--base-url", upstream.origin + path, ...common(), ...flags],
      stdin,
    );
    expect(await succeed(["proxy", name, "GET", "/x"])).toBe("GET ");
    const [request] = upstream.requests;
    expect(request && look(request)).toEqual(expected);
    const shown = await succeed(["service", "show", name, "--json"]);
    expect(shown).not.toContain(SECRET);
    expect(JSON.parse(shown)).toMatchObject({ name, auth_type: name });
  });
});

test("a proxy token does what an agent needs, and no more", async () => {
  const token = (await succeed(["token", "create", "--name", "agent", "--ttl", "1h"])).trim();
  expect(token).toMatch(/^tok_[A-Za-z0-9_-]{43}$/);
  const agent = { HOME: join(directory.path, "agent"), VAULT_TOKEN: token };
  expect(await succeed(["proxy", "bearer", "POST", "/x", '{"a":1}'], "", agent)).toBe('POST {"a":1}');
  expect(await succeed(["proxy", "bearer", "PUT", "/x", "-"], "from standard input", agent)).toBe(
    "PUT from standard input",
  );
  expect(await succeed(["http", "-s", "bearer", "-m", "POST", "-p", "/x", "-b", "body"], "", agent)).toBe(
    "POST body",
  );
  expect(await succeed(["service", "list"], "", agent)).toContain("bearer");
  for (const args of [
    ["token", "list"],
    ["file", "list"],
    ["lock"],
    ["service", "remove", "bearer", "--yes"],
  ]) {
    expect(await run(args, "", agent), args.join(" ")).toMatchObject({ code: 1, stdout: "" });
  }
  const failed = await run(["proxy", "bearer", "GET", "/missing"], "", agent);
  expect(failed).toMatchObject({ code: 1, stdout: "GET " });
  await succeed(["token", "revoke", token.slice(0, 12), "--yes"]);
  expect(await run(["proxy", "bearer", "GET", "/x"], "", agent)).toMatchObject({ code: 1, stdout: "" });
});

test("files go in, are listed, come out as they were, and go away", async () => {
  const path = join(directory.path, "key.json");
  const bytes = Buffer.from([0, 255, 10, 13, 128]);
  writeFileSync(path, bytes);
  await succeed(["file", "upload", "google key.json", path]);
  expect(await succeed(["file", "list"])).toContain("google key.json");
  const copy = join(directory.path, "copy.json");
  await succeed(["file", "download", "google key.json", copy]);
  expect(readFileSync(copy)).toEqual(bytes);
  await succeed(["file", "delete", "google key.json", "--yes"]);
  expect(await run(["file", "download", "google key.json", copy])).toMatchObject({ code: 1 });
});

test("service test says whether the call got through", async () => {
  expect(await succeed(["service", "test", "bearer"])).toContain("ok");
  expect(await run(["service", "test", "nothing"])).toMatchObject({ code: 1 });
});

test("wrong usage is exit code 2, and a password on the command line is not taken", async () => {
  for (const args of [
    ["nonsense"],
    ["proxy"],
    ["token", "create", "--ttl"],
    ["unlock", PASSWORD],
    ["unlock", "--password", PASSWORD],
  ]) {
    expect(await run(args), args.join(" ")).toMatchObject({ code: 2, stdout: "" });
  }
});

test("lock ends the session", async () => {
  await succeed(["lock"]);
  const list = await run(["service", "list"]);
  expect(list.code).toBe(1);
  expect(list.stderr).toContain("unlock");
});
