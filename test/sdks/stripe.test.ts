import { NewWithToken } from "@vault-proxy/client";
import Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { temporaryDirectory } from "../live/processes.js";
import { headerValues } from "../live/tls-upstream.js";
import { json, queryOf, useSdkVault } from "./sdk-vault.js";

const KEY = "sk_test_0123456789abcdefghijklmnop";
const OTHER_KEY = "ghp_9876543210zyxwvutsrqponmlkjihgfedcba";
// Its API takes the key as the user name of basic auth as well.
const BASIC = `Basic ${Buffer.from(`${KEY}:`).toString("base64")}`;

const customerOf = (id: string): object => ({ id, object: "customer", livemode: false, metadata: {} });

const failure = (type: string, message: string, more: object = {}): object => ({
  error: { type, message, ...more },
});

const vault = useSdkVault({
  credential: { header: "authorization", values: [`Bearer ${KEY}`, BASIC] },
  auth: { type: "bearer", token: KEY },
  wrongAuth: { type: "bearer", token: "sk_test_of_somebody_else" },
  refuse: json(failure("invalid_request_error", "Invalid API Key provided: sk_test_****else"), 401),
  routes: {
    "POST /v1/customers": (_request, response, body) => {
      const form = new URLSearchParams(body.toString());
      response.writeHead(200, { "Content-Type": "application/json", "Request-Id": "req_1" });
      response.end(
        JSON.stringify({ ...customerOf("cus_1"), name: form.get("name"), email: form.get("email") }),
      );
    },
    "GET /v1/customers": (request, response, body) => {
      const isFirst = queryOf(request.url ?? "").get("starting_after") === null;
      const data = (isFirst ? ["cus_1", "cus_2"] : ["cus_3"]).map(customerOf);
      return json({ object: "list", url: "/v1/customers", has_more: isFirst, data })(request, response, body);
    },
    "POST /v1/files": json({ id: "file_1", object: "file", size: 5 }),
  },
});

const HOST = "127.0.0.1";

/** The SDK has no base path; its fetch client takes one behind the host, the client for Node does not. */
const client = (options: { key?: string; service?: string; maxNetworkRetries?: number } = {}): Stripe =>
  new Stripe(options.key ?? vault.token, {
    host: `${HOST}/proxy/${options.service ?? "api"}`,
    port: vault.port,
    protocol: "http",
    httpClient: Stripe.createFetchHttpClient(),
    maxNetworkRetries: options.maxNetworkRetries ?? 0,
  });

let configuration: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  configuration = await temporaryDirectory();
  // The SDK keeps a telemetry id in the user's configuration directory.
  vi.stubEnv("XDG_CONFIG_HOME", configuration.path);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await configuration.remove();
});

describe("stripe", () => {
  test("a form is posted, with host, port, protocol, httpClient and key from the constructor", async () => {
    const customer = await client().customers.create({ name: "Ä & B=C", email: "a+b@example.com" });
    expect(customer).toMatchObject({ id: "cus_1", name: "Ä & B=C", email: "a+b@example.com" });
  });

  test("the TypeScript client gives the options", async () => {
    const { apiKey, config } = await NewWithToken(vault.address, vault.token).stripeOptions("api");
    const stripe = new Stripe(apiKey, { ...config, httpClient: Stripe.createFetchHttpClient() });
    expect((await stripe.customers.create({ name: "A" })).id).toBe("cus_1");
  });

  test("the key may be stored as the user name of basic auth as well", async () => {
    await vault.live.addService("basic", { type: "basic", username: KEY, password: "" });
    expect((await client({ service: "basic" }).customers.create({ name: "A" })).id).toBe("cus_1");
    expect(headerValues(vault.received()[0]!.rawHeaders, "authorization")).toEqual([BASIC]);
  });

  test("lists are fetched on", async () => {
    const ids: string[] = [];
    for await (const customer of client().customers.list({ limit: 2 })) ids.push(customer.id);
    expect(ids).toEqual(["cus_1", "cus_2", "cus_3"]);
    expect(queryOf(vault.received().at(-1)!.target).get("starting_after")).toBe("cus_2");
  });

  test("a 500 is tried again under the same idempotency key", async () => {
    vault.answerOnce(json(failure("api_error", "An unknown error occurred"), 500));
    const customer = await client({ maxNetworkRetries: 1 }).customers.create({ name: "A" });
    expect(customer.id).toBe("cus_1");
    const keys = vault.received().flatMap((call) => headerValues(call.rawHeaders, "idempotency-key"));
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  test("the caller's own idempotency key, account and telemetry headers arrive as sent", async () => {
    const stripe = client();
    await stripe.customers.create({ name: "A" }, { idempotencyKey: "mine-1", stripeAccount: "acct_1" });
    await stripe.customers.create({ name: "B" });
    const [first, second] = vault.received();
    expect(headerValues(first!.rawHeaders, "idempotency-key")).toEqual(["mine-1"]);
    expect(headerValues(first!.rawHeaders, "stripe-account")).toEqual(["acct_1"]);
    expect(headerValues(first!.rawHeaders, "stripe-version")).toHaveLength(1);
    expect(headerValues(first!.rawHeaders, "x-stripe-client-user-agent")).toHaveLength(1);
    expect(headerValues(first!.rawHeaders, "x-stripe-client-telemetry")).toEqual([]);
    const [telemetry] = headerValues(second!.rawHeaders, "x-stripe-client-telemetry");
    expect(JSON.parse(telemetry!)).toMatchObject({ last_request_metrics: { request_id: "req_1" } });
  });

  test("a file is uploaded as multipart form data", async () => {
    const file = await client().files.create({
      purpose: "dispute_evidence",
      file: { data: Buffer.from("hello"), name: "a.txt", type: "text/plain" },
    });
    expect(file.id).toBe("file_1");
    const [upload] = vault.received();
    expect(headerValues(upload!.rawHeaders, "content-type")[0]).toMatch(/^multipart\/form-data; boundary=/);
    expect(upload!.body.toString()).toContain("hello");
  });

  test("errors of the API are the SDK's classes, with code and Retry-After", async () => {
    vault.answerOnce(
      json(failure("card_error", "Your card was declined.", { code: "card_declined" }), 402),
      json(failure("invalid_request_error", "Too many requests", { code: "rate_limit" }), 429, {
        "Retry-After": "7",
      }),
    );
    await expect(client().customers.create({ name: "A" })).rejects.toSatisfy(
      (error) => error instanceof Stripe.errors.StripeCardError && error.code === "card_declined",
    );
    await expect(client().customers.create({ name: "A" })).rejects.toSatisfy(
      (error) =>
        error instanceof Stripe.errors.StripeRateLimitError && error.headers?.["retry-after"] === "7",
    );
  });

  test("a key that the API refuses is a StripeAuthenticationError of the API", async () => {
    await expect(client({ service: "wrong" }).customers.list()).rejects.toSatisfy(
      (error) =>
        error instanceof Stripe.errors.StripeAuthenticationError && error.message.includes("Invalid API Key"),
    );
  });

  test("a revoked vault token is a StripeOAuthError of the vault", async () => {
    const key = await vault.revokedToken();
    // The SDK takes any error that is a string for one of its OAuth endpoints.
    await expect(client({ key }).customers.list()).rejects.toSatisfy(
      (error) =>
        error instanceof Stripe.errors.StripeError &&
        error.type === "StripeOAuthError" &&
        error.statusCode === 401 &&
        error.headers?.["x-vault-error"] === "unauthorized",
    );
    expect(vault.received()).toEqual([]);
  });

  test("a request that holds another service's secret is not tried again, which would suspend the token", async () => {
    await vault.live.addService("other", { type: "bearer", token: OTHER_KEY });
    const stripe = client({ maxNetworkRetries: 3 });
    await expect(stripe.customers.create({ description: OTHER_KEY })).rejects.toMatchObject({
      statusCode: 409,
    });
    expect((await stripe.customers.create({ name: "A" })).id).toBe("cus_1");
  });

  test("without the fetch client there is no place for the service's name, and the vault knows no such path", async () => {
    const stripe = new Stripe(vault.token, {
      host: HOST,
      port: vault.port,
      protocol: "http",
      maxNetworkRetries: 0,
    });
    await expect(stripe.customers.list()).rejects.toMatchObject({ statusCode: 404 });
    expect(vault.received()).toEqual([]);
  });
});
