import type { Action } from "../action.js";

/** A day of 10,000 calls of an agent that triages issues, bills, chats and looks after two servers. */
export function workingDay(calls = 10_000): readonly Action[] {
  const random = xorshift(0x2f6e2b1);
  const below = (count: number): number => Math.floor(random() * count);
  const pick = <T>(list: readonly [T, ...T[]]): T => list[below(list.length)] ?? list[0];
  const text = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet.charAt(below(alphabet.length))).join("");
  const hex = (length: number): string => `a1${text("0123456789abcdef", length - 2)}`;
  const mixed = (length: number): string =>
    `aZ4${text("abcdefghijkmnpqrstuvwxyzABCDEFGH23456789", length - 3)}`;
  const uuid = (): string => [8, 4, 4, 4, 12].map((length) => hex(length)).join("-");
  const number = (): string => String(1 + below(90_000));
  const repositories = Array.from(
    { length: 40 },
    (_, index) => `app-${"abcdefghij".charAt(index % 10)}${"klmn".charAt(Math.floor(index / 10))}`,
  );
  const repository = (): string => `/repos/acme/${repositories[below(repositories.length)] ?? "app"}`;
  const date = (): string => `2026-11-${String(1 + below(28)).padStart(2, "0")}`;
  const http = (service: string, method: string, rawPath: string): Action => ({
    kind: "http",
    service,
    method,
    rawPath,
  });
  const exec = (service: string, command: string): Action => ({
    kind: "ssh",
    service,
    action: "exec",
    command,
  });

  const kinds: readonly [() => Action, ...(() => Action)[]] = [
    () => http("github", "GET", `${repository()}/issues`),
    () => http("github", "GET", `${repository()}/issues/${number()}`),
    () => http("github", "GET", `${repository()}/issues/${number()}/comments`),
    () => http("github", "GET", `${repository()}/pulls/${number()}/files`),
    () => http("github", "GET", `${repository()}/commits/${hex(40)}`),
    () => http("github", "GET", `${repository()}/commits/${hex(7)}/status`),
    () =>
      http(
        "github",
        "GET",
        pick(["/user", "/rate_limit", "/orgs/acme", "/orgs/acme/members", "/search/issues"]),
      ),
    () => http("github", "POST", `${repository()}/issues/${number()}/comments`),
    () => http("github", "POST", `${repository()}/issues/${number()}/labels`),
    () => http("github", "PATCH", `${repository()}/issues/${number()}`),
    () => http("stripe", "GET", `/v1/charges/ch_3Mm${mixed(20)}`),
    () => http("stripe", "GET", `/v1/customers/cus_N${mixed(13)}`),
    () =>
      http(
        "stripe",
        "GET",
        pick(["/v1/charges", "/v1/balance", "/v1/invoices", "/v1/customers", "/v1/events"]),
      ),
    () => http("stripe", "POST", "/v1/invoices"),
    () =>
      http("slack", "POST", pick(["/api/chat.postMessage", "/api/conversations.history", "/api/users.info"])),
    () => http("slack", "GET", "/api/auth.test"),
    () => http("jira", "GET", `/rest/api/3/issue/OPS-${number()}`),
    () => http("jira", "GET", "/rest/api/3/search"),
    () => http("jira", "PUT", `/rest/api/3/issue/OPS-${number()}/assignee`),
    () => http("jira", "POST", `/rest/api/3/issue/OPS-${number()}/transitions`),
    () => http("openai", "POST", pick(["/v1/chat/completions", "/v1/embeddings"])),
    () => http("openai", "GET", "/v1/models"),
    () => http("crm", "GET", `/api/v2/accounts/${uuid()}`),
    () => http("crm", "GET", `/api/v2/accounts/${uuid()}/notes/${number()}`),
    () => http("crm", "POST", `/api/v2/accounts/${uuid()}/notes`),
    () => http("crm", "GET", `/api/v2/reports/${date()}.csv`),
    () => http("wiki", "GET", `/pages/${pick(["Home", "Caf%C3%A9", "On%20call", "Runbook"])}`),
    () => exec("prod", `docker logs --tail 100 ${hex(12)}`),
    () => exec("prod", `docker inspect ${hex(12)}`),
    () => exec("prod", pick(["docker ps", "docker ps -a", "uptime", "df -h", "systemctl status nginx"])),
    () => exec("build", pick(["make test", "git rev-parse HEAD"])),
    () => ({ kind: "ssh", service: "prod", action: "download", remotePath: `/var/log/app/${date()}.log` }),
    () => ({
      kind: "ssh",
      service: "build",
      action: "upload",
      remotePath: pick(["/srv/app/app.tar", "/srv/app/VERSION"]),
    }),
    () => ({ kind: "session", service: "app-db", protocol: "postgres" }),
    () => ({ kind: "session", service: "mail", protocol: "imap" }),
  ];
  return Array.from({ length: calls }, () => pick(kinds)());
}

/** Marsaglia's xorshift of 32 bits: the same day every time. */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
