import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startUpstream } from "../live/tls-upstream.js";
import { call } from "../live/vault-calls.js";
import { startRefreshWorld, type RefreshWorld } from "./refresh-world.js";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "./scripted-token-endpoint.js";

/*
 * An admin changes a service while a call of it runs, whose token the API refuses.
 */

let world: RefreshWorld;
let endpoint: ScriptedTokenEndpoint;

beforeAll(async () => {
  world = await startRefreshWorld();
  endpoint = await startScriptedTokenEndpoint({ certificates: world.certificates });
});
afterAll(async () => {
  await world.close();
  await endpoint.close();
});
beforeEach(() => endpoint.reset());
afterEach(() => world.removeServices());

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Sends a call to an API of its own, which refuses its first token when `answers` is opened. */
async function refusedCall(answers: ReturnType<typeof gate>) {
  const seen: string[] = [];
  const arrived = gate();
  const api = await startUpstream(
    world.certificates,
    async (request: IncomingMessage, response: ServerResponse) => {
      seen.push(request.headers.authorization ?? "");
      arrived.open();
      if (seen.length > 1) {
        response.end("good");
        return;
      }
      await answers.opened;
      response.writeHead(401, { "WWW-Authenticate": 'Bearer error="invalid_token"' }).end("refused");
    },
  );
  const expires_at = Math.floor(world.clock.now() / 1000) + 7200;
  await world.addOauth("svc", endpoint.issuer.grantAgain(), {
    tokenUrl: endpoint.tokenUrl,
    apiUrl: api.origin,
    auth: { access_token: "at-first-0123456789", expires_at },
  });
  const answer = world.proxy("svc");
  await arrived.opened;
  return { api, seen, answer };
}

async function put(base_url: string, settings: object, auth: object): Promise<void> {
  const { certificates, admin, clock } = world;
  const { status, text } = await call(clock.server.address, "PUT", "/services/svc", {
    token: admin,
    body: JSON.stringify({
      ...{ base_url, allow_private: true, tls_ca: certificates.ca, ...settings },
      auth: { type: "oauth2_client", client_id: "client", token_url: endpoint.tokenUrl, ...auth },
    }),
  });
  expect(status, text).toBe(200);
}

describe("a call that is refused by the API of before gets no token of the service that is there now,", () => {
  test.each(["after the change", "before it"])("when it was refused %s", async (when) => {
    const [answers, provider] = [gate(), gate()];
    const { api, seen, answer } = await refusedCall(answers);
    try {
      endpoint.script = async ({ client }) => {
        if (client.id === "client") await provider.opened;
        return undefined;
      };
      if (when === "before it") {
        answers.open();
        await endpoint.called(1);
      }
      const auth = {
        client_id: "other",
        client_secret: "other-secret-0123",
        refresh_token: "rt-new-0123456789",
      };
      await put(endpoint.apiUrl, {}, auth);
      answers.open();
      provider.open();
      const { status, text } = await answer;
      expect({ status, text }).toEqual({ status: 401, text: "refused" });
      expect(seen).toEqual(["Bearer at-first-0123456789"]);
    } finally {
      await api.close();
    }
  });
});

test("a call that is refused after its service got another description is repeated", async () => {
  const answers = gate();
  const { api, seen, answer } = await refusedCall(answers);
  try {
    await put(api.origin, { description: "changed" }, {});
    answers.open();
    const { status, text } = await answer;
    expect({ status, text }).toEqual({ status: 200, text: "good" });
    expect(seen).toHaveLength(2);
    expect(endpoint.calls).toHaveLength(1);
  } finally {
    await api.close();
  }
});
