import { vi } from "vitest";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { Secret } from "../../redaction/secret.js";
import { createCommitQueue } from "../../vault/commit-queue.js";
import type { IssuedToken } from "../issued-token.js";
import { serviceDefinitionSchema, toServiceRecord, type ServiceRecord } from "../service-definition.js";
import { createTokenKeeper } from "../token-keeper.js";

/** In seconds. */
export const HOUR = 3600;

export function definition(auth: object = {}): ServiceRecord {
  return toServiceRecord(
    serviceDefinitionSchema.parse({
      name: "svc",
      base_url: "https://api.example.com",
      auth: {
        type: "oauth2_client",
        client_id: "id",
        client_secret: "client-secret",
        refresh_token: "rt-0",
        token_url: "https://id.example.com/token",
        ...auth,
      },
    }),
  );
}

/** A keeper over services that are saved in a moment, or not, and a provider that a test answers for. */
export function world(first: ServiceRecord = definition(), others: readonly ServiceRecord[] = []) {
  let records: ReadonlyMap<string, ServiceRecord> = new Map(
    [first, ...others].map((record, index) => [index === 0 ? "svc" : `other-${index}`, record]),
  );
  let saveError: Error | undefined;
  const asked: {
    refreshToken: string | undefined;
    answer: (token: unknown) => void;
    fail: (error: unknown) => void;
  }[] = [];
  const told: string[] = [];
  let issued = 0;

  let mayCommit = Promise.resolve();
  const queue = createCommitQueue<Map<string, ServiceRecord>>(
    {
      begin: () => new Map(records),
      async commit(draft) {
        await mayCommit;
        if (saveError !== undefined) throw saveError;
        records = draft;
        keeper.update(records);
      },
    },
    100,
  );
  const change = <R>(mutate: (draft: Map<string, ServiceRecord>) => R): Promise<R> => queue.submit(mutate);
  const keeper = createTokenKeeper({
    services: {
      get records() {
        return records;
      },
      change,
    },
    tools: {
      requestToken: ({ parameters }, signal) =>
        new Promise<IssuedToken>((resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
          asked.push({
            refreshToken: parameters.refresh_token,
            answer: (token) => resolve(token as IssuedToken),
            fail: reject,
          });
        }),
      send: () => Promise.reject(new Error("nothing is sent here")),
      readFile: () => Promise.reject(new Error("no file is read here")),
      clock: () => Date.now(),
    },
    random: () => 0,
    events: {
      refreshed: (_, how) => void told.push(`refreshed ${how}`),
      refreshFailed: (_, error) => void told.push(error.code),
      unsaved: () => void told.push("unsaved"),
      savedAtLast: () => void told.push("saved at last"),
    },
  });
  keeper.update(records);
  const now = (): number => Math.floor(Date.now() / 1000);
  return {
    keeper,
    asked,
    told,
    source: keeper.sourceOf("svc"),
    token: (refreshToken?: string, lifetime = HOUR) => ({
      accessToken: new Secret(`at-${(issued += 1)}`),
      refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
      issuedAt: now(),
      expiresAt: now() + lifetime,
      hasLifetime: true,
    }),
    stored: (field: string) => (records.get("svc")?.auth[field] as Secret | undefined)?.reveal(),
    put: (record: ServiceRecord) => change((draft) => void draft.set("svc", record)),
    /** A save of something else. */
    changeNothing: () => change(() => undefined),
    failSaves: (error: Error | undefined) => (saveError = error),
    /** Makes saves wait until what this gives is called; what comes meanwhile shares the next one. */
    holdSaves(): () => void {
      let release = (): void => undefined;
      mayCommit = new Promise((resolve) => (release = resolve));
      return release;
    },
    /** What a vault that is locked does with changes. */
    closeVault: () => queue.close(new VaultProxyError("vault_locked", "the vault is locked")),
    settle: () => vi.advanceTimersByTimeAsync(0),
  };
}
