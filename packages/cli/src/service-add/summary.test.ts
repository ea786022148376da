import type { ServiceDefinition } from "@vault-proxy/client";
import type { AuthDefinition } from "@vault-proxy/client";
import { expect, test } from "vitest";

import { summary } from "./summary.js";

const SECRET = "hush-hush";

test.each<[AuthDefinition, string]>([
  [{ type: "bearer", token: SECRET }, "Authorization: Bearer …"],
  [{ type: "header", header_name: "X-Key", header_value: SECRET }, "X-Key: …"],
  [{ type: "headers", headers: { "X-A": SECRET, "X-B": SECRET } }, "X-A: …, X-B: …"],
  [{ type: "basic", username: SECRET, password: "" }, "user name and password"],
  [{ type: "url", token: SECRET }, "in the URL, at {token}"],
  [{ type: "query", params: { key: SECRET } }, "?key=…"],
  [{ type: "imap", imap_host: "m.example", imap_user: "ann", imap_password: SECRET }, "ann@m.example"],
  [
    {
      type: "postgres",
      postgres_host: "p.example",
      postgres_port: 5433,
      postgres_user: "u",
      postgres_password: SECRET,
    },
    "u@p.example:5433",
  ],
  [{ type: "redis", redis_host: "r.example", redis_password: SECRET }, "r.example"],
  [{ type: "ssh_key", ssh_host: "s.example", ssh_user: "u", ssh_password: SECRET }, "u@s.example"],
  [{ type: "oauth2_client", client_id: "c", client_secret: SECRET, token_url: "https://x" }, "oauth2_client"],
])("%j shows where its credential goes, and never what it is", (auth, shown) => {
  const lines = summary({ name: "svc", auth } as ServiceDefinition);
  expect(lines.join("\n")).toContain(shown);
  expect(lines.join("\n")).not.toContain("hush");
});

test("what is dangerous of a service is said", () => {
  const auth = { type: "bearer", token: SECRET } as const;
  const shown = summary(
    { name: "svc", auth, base_url: "http://x", allow_private: true, tls_skip_verify: true },
    "Acme",
  );
  expect(shown).toEqual([
    "name        svc",
    "API         Acme",
    "base URL    http://x",
    "credential  Authorization: Bearer …",
    "private     http and private addresses are allowed",
    "TLS         no certificate is checked",
  ]);
});
