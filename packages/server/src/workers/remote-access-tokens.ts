import type { AccessTokenSource } from "../auth-strategies/auth-strategy.js";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import type { SearchedSecret } from "../scrubbing/secret-matcher.js";
import { fromErrorMessage } from "./error-message.js";
import type { OwnerMessage, SentSecret } from "./messages.js";
import type { OwnerLink } from "./owner-link.js";

type Answer = Extract<OwnerMessage, { type: "accessToken" }>;

/** The access tokens of services, which the owner keeps and refreshes: it is asked for each call. */
export interface RemoteAccessTokens {
  /** Of a service as its record was when the worker got it. */
  boundTo(record: ServiceRecord): AccessTokenSource;
  answered(answer: Answer): void;
  /** The vault was locked. */
  clear(reason: VaultProxyError): void;
}

interface Question {
  readonly service: string;
  readonly resolve: (token: string | undefined) => void;
  readonly reject: (reason: VaultProxyError) => void;
}

/** One and the same, so that it does not look like a change. */
const NOTHING: readonly SearchedSecret[] = [];

/** @param versionOf the version of a service's record that the worker has now */
export function createRemoteAccessTokens(
  link: Pick<OwnerLink, "send">,
  versionOf: (service: string) => number | undefined,
): RemoteAccessTokens {
  const questions = new Map<number, Question>();
  const searched = new Map<string, readonly SearchedSecret[]>();
  let lastId = 0;

  const ask = (service: string, version: number, rejected?: string): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const id = (lastId += 1);
      questions.set(id, { service, resolve, reject });
      const about = { type: "accessToken", id, service, version } as const;
      link.send(rejected === undefined ? about : { ...about, rejected });
    });

  return {
    boundTo({ name }) {
      const version = versionOf(name) ?? 0;
      return {
        async current() {
          const token = await ask(name, version);
          if (token === undefined) throw new VaultProxyError("internal", "internal error");
          return token;
        },
        replace: (rejected) => ask(name, version, rejected).catch(() => undefined),
        searched: () => searched.get(name) ?? NOTHING,
      };
    },
    answered({ id, token, error, searched: sent }) {
      const question = questions.get(id);
      if (question === undefined) return;
      questions.delete(id);
      if (sent !== undefined) searched.set(question.service, sent.map(toSearched));
      if (error === undefined) question.resolve(token);
      else question.reject(fromErrorMessage(error));
    },
    clear(reason) {
      for (const { reject } of questions.values()) reject(reason);
      questions.clear();
      searched.clear();
    },
  };
}

function toSearched({ secret, forms }: SentSecret): SearchedSecret {
  return forms === undefined ? { secret: new Secret(secret) } : { secret: new Secret(secret), forms };
}
