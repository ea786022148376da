import { VaultClient, VaultError } from "@vault-proxy/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startContractWorld, type ContractWorld } from "./contract-world.js";
import { startPythonClient, type PythonClient, type PythonOutcome } from "./python-client.js";
import { sendRaw } from "./raw-request.js";
import { builtDocument } from "./recorded-answers.js";
import type { Access, RawRequest, RouteRow, World } from "./route-row.js";
import { ROUTES } from "./routes/route-table.js";

const UNLOCK_PAUSE_MS = 1_100;
const NO_TOKEN = `tok_${"A".repeat(43)}`;

let world: ContractWorld;
let python: PythonClient;
beforeAll(async () => {
  world = await startContractWorld();
  python = startPythonClient(world.server.address);
});
afterAll(async () => {
  await python.close();
  await world.close();
});

/** One attempt a second is what a vault takes. */
const betweenUnlocks = (row: RouteRow): Promise<unknown> =>
  row.route === "POST /auth/unlock"
    ? new Promise((resolve) => setTimeout(resolve, UNLOCK_PAUSE_MS))
    : Promise.resolve();

const methodOf = ({ route }: RouteRow): string => route.split(" ")[0] ?? "";

/** The scopes that a route's token may have. */
const SCOPES: Readonly<Record<Access, readonly ("admin" | "proxy" | "metrics")[]>> = {
  none: ["admin", "proxy", "metrics"],
  any: ["admin", "proxy"],
  admin: ["admin"],
  proxy: ["proxy"],
  metrics: ["admin", "metrics"],
};

const tokenFor = (row: RouteRow, { tokens, kept }: World): string | undefined => {
  if (row.asKept !== undefined) return kept.get(row.asKept);
  if (row.access === "none") return undefined;
  return tokens[row.as ?? (row.access === "proxy" ? "proxy" : "admin")];
};

/** Holds an object against a matcher that may name a part of its fields; anything else as a whole. */
function expectLike(value: unknown, matcher: unknown): void {
  if (typeof matcher === "object" && matcher !== null && !("asymmetricMatch" in matcher)) {
    if (Array.isArray(matcher)) expect(value).toEqual(matcher);
    else expect(value).toMatchObject(matcher);
  } else expect(value).toEqual(matcher);
}

test("the table has every route of the OpenAPI document, and no other", async () => {
  const { paths } = await builtDocument();
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(ROUTES.map(({ route }) => route).sort()).toEqual(documented.sort());
});

describe("while the vault is locked", () => {
  const anything = { get: () => "anything", set: () => undefined } as unknown as Map<string, string>;
  const requestOf = (row: RouteRow): RawRequest =>
    (row.faulty ?? row).request({ ...world.pass("locked"), kept: anything });

  test.each(ROUTES.filter(({ opensWhileLocked }) => opensWhileLocked !== true))(
    "$route answers 423 before it looks at token or body",
    async (row) => {
      for (const token of [undefined, NO_TOKEN]) {
        const answer = await sendRaw(world.server.address, methodOf(row), requestOf(row), token);
        expect(answer.status).toBe(423);
        expect(answer.headers["x-vault-error"]).toBe("vault_locked");
      }
    },
  );

  test("both SDKs say so", async () => {
    const client = new VaultClient({ addr: world.server.address, token: NO_TOKEN });
    await expect(client.listServices()).rejects.toMatchObject({ status: 423, code: "vault_locked" });
    client.close();
    const { error } = await python.call({ method: "list_services" }, NO_TOKEN);
    expect(error).toMatchObject({ status: 423, code: "vault_locked" });
  });
});

describe("by hand", () => {
  let shared: World;
  beforeAll(async () => {
    await world.fill();
    shared = world.pass("raw");
  });

  test.each(ROUTES)("$route", async (row) => {
    const method = methodOf(row);
    const send = (request: RawRequest, token?: string) =>
      sendRaw(world.server.address, method, request, token);
    const faulty = (row.faulty ?? row).request(shared);

    if (row.access !== "none") {
      for (const token of [undefined, NO_TOKEN]) {
        const answer = await send(faulty, token);
        expect(answer.status, "without a valid token").toBe(401);
        expect(answer.headers["www-authenticate"]).toBe("Bearer");
      }
    }
    for (const scope of ["admin", "proxy", "metrics"] as const) {
      if (SCOPES[row.access].includes(scope)) continue;
      const answer = await send(faulty, shared.tokens[scope]);
      expect(answer.status, `with a token of scope ${scope}`).toBe(403);
      expect(answer.headers["x-vault-error"]).toBe("forbidden");
    }
    if (row.faulty !== undefined) {
      for (const scope of SCOPES[row.access]) {
        const answer = await send(faulty, row.access === "none" ? undefined : shared.tokens[scope]);
        expect(answer.status, `with a fault, scope ${scope}`).toBe(400);
        expect(answer.headers["x-vault-error"]).toBe("invalid_request");
        if (method !== "HEAD") expect((answer.json as { error: string }).error).toContain(row.faulty.names);
      }
    }
    for (const error of row.errors ?? []) {
      const answer = await send(error.request(shared), tokenFor(row, shared));
      expect(answer.status, error.name).toBe(error.status);
      expect(answer.headers["x-vault-error"], error.name).toBe(error.code);
    }
    await betweenUnlocks(row);
    const answer = await send(row.request(shared), tokenFor(row, shared));
    expect(answer, answer.text).toMatchObject({ status: row.status });
    expectLike(answer.json ?? answer.text, row.answers);
    row.keep?.(answer.json, shared);
  });
});

describe("by the TypeScript client", () => {
  let shared: World;
  let client: VaultClient;
  beforeAll(() => {
    shared = world.pass("typescript");
    client = new VaultClient({ addr: world.server.address });
  });
  afterAll(() => client.close());

  test.each(ROUTES)("$route", async (row) => {
    client.token = tokenFor(row, shared) ?? "";
    await betweenUnlocks(row);
    const result = await row.typescript(client, shared);
    expectLike(result, "gives" in row ? row.gives : row.answers);
    row.keep?.(result, shared);
  });

  test("an error of the vault is one VaultError with its status and code", async () => {
    const calls = [
      [() => client.unlock("something else"), 401, "unauthorized"],
      [() => client.listServices(), 423, "vault_locked"],
    ] as const;
    for (const [call, status, code] of calls) {
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(VaultError);
      expect(error).toMatchObject({ status, code });
    }
  });
});

describe("by the Python client", () => {
  let shared: World;
  beforeAll(() => {
    shared = world.pass("python");
  });

  /** What is for browsers and readers alone. */
  const WITHOUT_METHOD = ["GET /openapi.json", "GET /auth/oauth2/callback"];

  test("has a method for every route", () => {
    expect(ROUTES.filter((row) => row.python === undefined).map(({ route }) => route)).toEqual(
      WITHOUT_METHOD,
    );
  });

  test.each(ROUTES)("$route", async (row) => {
    const token = tokenFor(row, shared);
    const call = row.python?.(shared);
    let outcome: PythonOutcome = { absent: true, token: null };
    await betweenUnlocks(row);
    if (call !== undefined) outcome = await python.call(call, token);
    if (outcome.absent === true) {
      expect(WITHOUT_METHOD, `the SDK has no ${call?.method ?? ""}`).toContain(row.route);
      const answer = await sendRaw(world.server.address, methodOf(row), row.request(shared), token);
      expectLike(answer.json ?? answer.text, row.answers);
      row.keep?.(answer.json, shared);
      return;
    }
    expect(outcome.error).toBeUndefined();
    const expected = "givesInPython" in row ? row.givesInPython : "gives" in row ? row.gives : row.answers;
    expectLike(outcome.result, expected);
    row.keep?.(outcome.result, shared);
  });

  test("an error of the vault is one VaultError with its status and code", async () => {
    await new Promise((resolve) => setTimeout(resolve, UNLOCK_PAUSE_MS));
    const wrong = await python.call({ method: "unlock", args: ["something else"] }, undefined);
    expect(wrong.error).toMatchObject({ status: 401, code: "unauthorized" });
    const locked = await python.call({ method: "list_services" }, shared.tokens.proxy);
    expect(locked.error).toMatchObject({ status: 423, code: "vault_locked" });
  });
});
