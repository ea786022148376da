import type { ServiceDefinition, ServiceInfo } from "@vault-proxy/client";
import { expect, test } from "vitest";

import { changedFields } from "./changed-fields.js";
import { expectedInfo } from "./expected-info.js";

const NO_SETTINGS = { tls_skip_verify: false, session_cookies: false, allow_private: false };

test.each<[string, ServiceInfo, ServiceDefinition, string[]]>([
  [
    "an API whose settings are not given again",
    {
      ...{ name: "a", auth_type: "bearer", base_url: "https://eu.example", description: "old" },
      ...{ ...NO_SETTINGS, session_cookies: true, max_request_bytes: 0 },
    },
    { name: "a", base_url: "https://a.example/", auth: { type: "bearer", token: "hush" } },
    ["base_url", "description", "session_cookies", "max_request_bytes"],
  ],
  [
    "a server whose commands are not given again",
    {
      ...{ ...NO_SETTINGS, name: "box", auth_type: "ssh_key", ssh_host: "b.example", ssh_port: 22 },
      ...{ ssh_user: "ann", ssh_key_file_ref: "box.key", ssh_connected: true, ssh_host_key: "ssh-ed25519 A" },
      ssh_allowed_commands: ["docker ps"],
    },
    { name: "box", auth: { type: "ssh_key", ssh_host: "b.example", ssh_user: "ann", ssh_password: "hush" } },
    ["ssh_key_file_ref", "ssh_allowed_commands"],
  ],
  [
    "an app whose key was an uploaded file",
    {
      ...{
        ...NO_SETTINGS,
        name: "g",
        auth_type: "github_app",
        base_url: "https://a.example",
        key_file: "a.pem",
      },
    },
    {
      name: "g",
      base_url: "https://a.example",
      auth: { type: "github_app", app_id: "1", installation_id: "2", key_file: "b.pem" },
    },
    ["key_file"],
  ],
  [
    "a mailbox with the defaults",
    {
      ...{ ...NO_SETTINGS, name: "m", auth_type: "imap", imap_host: "m.example", imap_port: 993 },
      ...{ imap_user: "ann", imap_tls: "implicit", imap_auth: "login" },
    },
    { name: "m", auth: { type: "imap", imap_host: "m.example", imap_user: "ann", imap_password: "hush" } },
    [],
  ],
  [
    "another kind of credential",
    { ...NO_SETTINGS, name: "a", auth_type: "header", base_url: "https://a.example", header_name: "X-Key" },
    { name: "a", base_url: "https://a.example", auth: { type: "query", params: { key: "hush" } } },
    ["auth_type", "header_name", "query_params"],
  ],
])("%s", (_, stored, definition, fields) => {
  const expected = expectedInfo(stored, definition);
  expect(JSON.stringify(expected)).not.toContain("hush");
  expect(
    changedFields(stored, expected)
      .map(({ field }) => field)
      .sort(),
  ).toEqual(fields.sort());
});
