import { graphql, GraphqlResponseError } from "@octokit/graphql";
import { describe, expect, test } from "vitest";
import { json, useSdkVault } from "./sdk-vault.js";

const KEY = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";

const vault = useSdkVault({
  credential: { header: "authorization", values: [`Bearer ${KEY}`] },
  auth: { type: "bearer", token: KEY },
  wrongAuth: { type: "bearer", token: "ghp_of_somebody_else" },
  refuse: json({ message: "Bad credentials", documentation_url: "https://docs.github.com/graphql" }, 401),
  routes: {
    "POST /graphql": (request, response, body) => {
      const { query, variables } = JSON.parse(body.toString()) as { query: string; variables?: object };
      return json({ data: { query, variables } })(request, response, body);
    },
  },
});

type Call = typeof graphql;

const client = (options: { token?: string; service?: string; scheme?: string } = {}): Call =>
  graphql.defaults({
    baseUrl: vault.url("", options.service),
    headers: { authorization: `${options.scheme ?? "token"} ${options.token ?? vault.token}` },
  });

const QUERY = "query ($login: String!) { user(login: $login) { id } }";

const failureOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("@octokit/graphql", () => {
  test.each(["token", "bearer"])(
    "a query with variables, with baseUrl and a header of scheme %s",
    async (scheme) => {
      const answer = await client({ scheme })(QUERY, { login: "octocat" });
      expect(answer).toEqual({ query: QUERY, variables: { login: "octocat" } });
    },
  );

  test("errors in an answer of 200 are a GraphqlResponseError", async () => {
    const errors = [{ type: "NOT_FOUND", message: "Could not resolve to a User", path: ["user"] }];
    vault.answerOnce(json({ data: { user: null }, errors }));
    const error = await failureOf(client()(QUERY, { login: "nobody" }));
    expect(error).toBeInstanceOf(GraphqlResponseError);
    expect(error).toMatchObject({ errors });
  });

  test("a 502 of the API is an error with its status: this SDK tries nothing again", async () => {
    vault.answerOnce(json({ message: "Something went wrong" }, 502));
    expect(await failureOf(client()(QUERY, { login: "octocat" }))).toMatchObject({
      name: "HttpError",
      status: 502,
    });
    expect(vault.received()).toHaveLength(1);
  });

  test("a token that the API refuses is an error of the API", async () => {
    const error = await failureOf(client({ service: "wrong" })(QUERY, { login: "octocat" }));
    expect(error).toMatchObject({ name: "HttpError", status: 401 });
    expect(String(error)).toContain("Bad credentials");
  });

  test("a revoked vault token is an error of the vault", async () => {
    const error = await failureOf(client({ token: await vault.revokedToken() })(QUERY, { login: "octocat" }));
    expect(error).toMatchObject({
      name: "HttpError",
      status: 401,
      response: { headers: { "x-vault-error": "unauthorized" } },
    });
    expect(vault.received()).toEqual([]);
  });
});
