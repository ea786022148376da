import { expect } from "vitest";
import { secretsOf } from "../../auth-strategies/service-definition.js";
import type { Answer, ControlPlaneFixture } from "./control-plane-fixture.js";
import { multipart, MULTIPART_HEADERS, startControlPlane } from "./control-plane-fixture.js";
import { startScriptedProvider, type ScriptedProvider } from "./scripted-provider.js";

export const CLIENT_SECRET = "client-s3cret-0123456789";
export const ACCESS = "access-token-0123456789";
export const REFRESH = "refresh-token-0123456789";
export const CODE = "code-0123456789";
export const CALLBACK = "/auth/oauth2/callback";
/** What a token endpoint gives. */
export const GRANTED = {
  access_token: ACCESS,
  token_type: "Bearer",
  expires_in: 3600,
  refresh_token: REFRESH,
};

export interface Started {
  readonly auth_url: string;
  readonly state: string;
  readonly redirect_uri: string;
  readonly flow: string;
  readonly expires_at: string;
  readonly message: string;
}

/** A control plane and a provider, with a client of it that has a secret. */
export interface LoginFixture extends ControlPlaneFixture {
  readonly provider: ScriptedProvider;
  /** Begins a login in a browser. */
  authorize(more?: object): Promise<Started>;
  /** Why one is refused. */
  authorizeRefused(more: object): Promise<string>;
  startDevice(more?: object): Promise<Answer>;
  callback(parameters: Readonly<Record<string, string>>): Promise<Answer>;
  statusOf(flow: string): Promise<unknown>;
  upload(name: string, content: unknown): Promise<void>;
  storedSecrets(service: string): string[];
  /** Before each test: the provider has heard nothing yet, and grants what it is asked for. */
  reset(): void;
}

export async function startLoginFixture(): Promise<LoginFixture> {
  const fixture = await startControlPlane();
  const provider = await startScriptedProvider();
  const { admin: token } = fixture;
  const client = (): object => ({
    service_name: "api",
    base_url: "https://api.example.com/v1",
    scopes: ["read", "write"],
    client_id: "client-1",
    client_secret: CLIENT_SECRET,
    token_url: `${provider.origin}/token`,
    allow_private: true,
  });
  const post = (more: object): Promise<Answer> =>
    fixture.call("POST", "/auth/oauth2/authorize", {
      token,
      json: { ...client(), auth_url: "https://accounts.example.com/authorize", ...more },
    });
  return {
    ...fixture,
    provider,
    async authorize(more = {}) {
      const answer = await post(more);
      expect(answer.status, answer.text).toBe(200);
      return answer.json as Started;
    },
    async authorizeRefused(more) {
      const answer = await post(more);
      expect(answer.status).toBe(400);
      return (answer.json as { error: string }).error;
    },
    startDevice: (more = {}) =>
      fixture.call("POST", "/auth/oauth2/device", {
        token,
        json: { ...client(), device_url: `${provider.origin}/device`, ...more },
      }),
    callback: (parameters) =>
      fixture.call("GET", `${CALLBACK}?${new URLSearchParams(parameters).toString()}`),
    statusOf: async (flow) => (await fixture.call("GET", `/auth/oauth2/flows/${flow}`, { token })).json,
    async upload(name, content) {
      const body = multipart(
        ['name="name"', undefined, name],
        [`name="file"; filename="${name}"`, "application/json", JSON.stringify(content)],
      );
      const headers = MULTIPART_HEADERS;
      const answer = await fixture.call("POST", "/files", { token, body: new Uint8Array(body), headers });
      expect(answer.status).toBe(201);
    },
    storedSecrets(service) {
      const record = fixture.parts.services.records.get(service);
      if (record === undefined) throw new Error(`no service ${service}`);
      return secretsOf(record).map((secret) => secret.reveal());
    },
    reset() {
      provider.requests.length = 0;
      provider.answer({ body: GRANTED });
    },
    async close() {
      await fixture.close();
      await provider.close();
    },
  };
}
