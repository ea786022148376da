import { NewWithToken } from "@vault-proxy/client";
import { Octokit, RequestError } from "octokit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { headerValues, startUpstream, type Answer, type Upstream } from "../live/tls-upstream.js";
import { json, queryOf, useSdkVault } from "./sdk-vault.js";

const KEY = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";

const issueOf = (number: number): object => ({ number, title: `Issue ${number}`, state: "open" });

const refuse = json(
  { message: "Bad credentials", documentation_url: "https://docs.github.com/rest", status: "401" },
  401,
);

/** Two pages, the second named by `Link` with the API's own absolute URL, as GitHub does. */
const issues: Answer = (request, response, body) => {
  const encrypted = "encrypted" in request.socket;
  const origin = `${encrypted ? "https" : "http"}://${String(request.headers.host)}`;
  if (queryOf(request.url ?? "").get("page") === "2") return json([issueOf(3)])(request, response, body);
  const next = `<${origin}/repos/o/r/issues?per_page=2&page=2>; rel="next"`;
  return json([issueOf(1), issueOf(2)], 200, { Link: next })(request, response, body);
};

const vault = useSdkVault({
  credential: { header: "authorization", values: [`Bearer ${KEY}`, `token ${KEY}`] },
  auth: { type: "bearer", token: KEY },
  wrongAuth: { type: "bearer", token: "ghp_of_somebody_else" },
  refuse,
  routes: {
    "GET /user": json({ login: "octocat", id: 1 }),
    "GET /repos/o/r/issues": issues,
    "POST /repos/o/r/issues": (request, response, body) => {
      const { title } = JSON.parse(body.toString()) as { title: string };
      return json({ ...issueOf(4), title }, 201)(request, response, body);
    },
    "GET /repos/o/old": (_request, response) => {
      response.writeHead(301, { Location: `${vault.live.upstream.origin}/repositories/1` }).end("{}");
    },
    "GET /repositories/1": json({ id: 1, full_name: "o/new" }),
    "POST /graphql": json({ data: { viewer: { login: "octocat" } } }),
  },
});

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const client = (options: { auth?: string; service?: string } = {}): Octokit =>
  new Octokit({ auth: options.auth ?? vault.token, baseUrl: vault.url("", options.service), log: silent });

const failureOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("octokit", () => {
  test("a call, with baseUrl and auth from the constructor, in GitHub's own token scheme", async () => {
    const { data } = await client().rest.users.getAuthenticated();
    expect(data.login).toBe("octocat");
    expect(headerValues(vault.received()[0]!.rawHeaders, "accept")).toEqual([
      "application/vnd.github.v3+json",
    ]);
  });

  test("the credential may be stored as a header in the token scheme as well", async () => {
    await vault.live.addService("header", {
      type: "header",
      header_name: "Authorization",
      header_value: `token ${KEY}`,
    });
    expect((await client({ service: "header" }).rest.users.getAuthenticated()).data.login).toBe("octocat");
  });

  test("a body is posted, and GraphQL goes the same way", async () => {
    const octokit = client();
    const { data } = await octokit.rest.issues.create({ owner: "o", repo: "r", title: "Ä" });
    expect(data.title).toBe("Ä");
    expect(await octokit.graphql("{ viewer { login } }")).toEqual({ viewer: { login: "octocat" } });
  });

  test("the redirect of a renamed repository stays in the vault", async () => {
    const { data } = await client().rest.repos.get({ owner: "o", repo: "old" });
    expect(data.full_name).toBe("o/new");
    expect(vault.received().map((call) => call.target)).toEqual(["/repos/o/old", "/repositories/1"]);
  });

  test("pages are fetched by number", async () => {
    const numbers: number[] = [];
    for (const page of [1, 2]) {
      const { data } = await client().rest.issues.listForRepo({ owner: "o", repo: "r", per_page: 2, page });
      numbers.push(...data.map((issue) => issue.number));
    }
    expect(numbers).toEqual([1, 2, 3]);
  });

  test("a 500 is tried again", async () => {
    vault.answerOnce(json({ message: "Server Error" }, 500));
    expect((await client().rest.users.getAuthenticated()).data.login).toBe("octocat");
    expect(vault.received()).toHaveLength(2);
  });

  test("a 403 for too many calls is waited for by its Retry-After", async () => {
    vault.answerOnce(
      json({ message: "You have exceeded a secondary rate limit." }, 403, { "Retry-After": "1" }),
    );
    const started = performance.now();
    expect((await client().rest.users.getAuthenticated()).data.login).toBe("octocat");
    expect(performance.now() - started).toBeGreaterThan(990);
  });

  test("a validation error is a RequestError with the API's body", async () => {
    vault.answerOnce(
      json({ message: "Validation Failed", errors: [{ field: "title", code: "missing" }] }, 422),
    );
    const error = await failureOf(client().rest.issues.create({ owner: "o", repo: "r", title: "" }));
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ status: 422, response: { data: { message: "Validation Failed" } } });
  });

  test("a token that the API refuses is a RequestError of the API", async () => {
    const error = await failureOf(client({ service: "wrong" }).rest.users.getAuthenticated());
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({
      status: 401,
      message: expect.stringContaining("Bad credentials") as string,
    });
  });

  test("a revoked vault token is a RequestError of the vault", async () => {
    const error = await failureOf(client({ auth: await vault.revokedToken() }).rest.users.getAuthenticated());
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ status: 401, response: { headers: { "x-vault-error": "unauthorized" } } });
    expect(vault.received()).toEqual([]);
  });
});

describe("octokit.paginate", () => {
  // Over plain HTTP, since a client that goes past the vault would stop at the certificate of a test.
  let plain: Upstream;
  beforeAll(async () => {
    plain = await startUpstream(undefined, (request, response, body) =>
      request.headers.authorization === `Bearer ${KEY}`
        ? issues(request, response, body)
        : refuse(request, response, body),
    );
    await vault.live.addService("plain", { type: "bearer", token: KEY }, { base_url: plain.origin });
  });
  afterAll(() => plain.close());

  test("the second page is asked of the address in Link, past the vault, and refused there", async () => {
    const octokit = client({ service: "plain" });
    const error = await failureOf(
      octokit.paginate(octokit.rest.issues.listForRepo, { owner: "o", repo: "r", per_page: 2 }),
    );
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ status: 401 });
    expect(plain.requests.map((call) => headerValues(call.rawHeaders, "authorization"))).toEqual([
      [`Bearer ${KEY}`],
      [`token ${vault.token}`],
    ]);
  });

  test("with a hook that puts the vault's address back, all pages come through the vault", async () => {
    const before = plain.requests.length;
    const octokit = client({ service: "plain" });
    octokit.hook.before("request", (options) => {
      options.url = options.url.replace(plain.origin, vault.url("", "plain"));
    });
    const all = await octokit.paginate(octokit.rest.issues.listForRepo, {
      owner: "o",
      repo: "r",
      per_page: 2,
    });
    expect(all.map((issue) => issue.number)).toEqual([1, 2, 3]);
    const credentials = plain.requests
      .slice(before)
      .map((call) => headerValues(call.rawHeaders, "authorization"));
    expect(credentials).toEqual([[`Bearer ${KEY}`], [`Bearer ${KEY}`]]);
  });

  test("with the options of the TypeScript client, all pages come through the vault as well", async () => {
    const before = plain.requests.length;
    const options = await NewWithToken(vault.address, vault.token).octokitOptions("plain");
    const octokit = new Octokit({ ...options, log: silent });
    const question = { owner: "o", repo: "r", per_page: 2 };
    const all = await octokit.paginate(octokit.rest.issues.listForRepo, question);
    expect(all.map((issue) => issue.number)).toEqual([1, 2, 3]);
    const credentials = plain.requests
      .slice(before)
      .map((call) => headerValues(call.rawHeaders, "authorization"));
    expect(credentials).toEqual([[`Bearer ${KEY}`], [`Bearer ${KEY}`]]);
  });
});
