import type { ServiceInfo } from "@vault-proxy/client";
import { expect, test } from "vitest";

import type { Preset } from "../presets/preset.js";
import type { AuthType, ServiceFlags } from "../service-definition.js";
import { changedAuth, changedSecretLabels } from "./changed-auth.js";

const info = (fields: object): ServiceInfo => ({
  ...{ name: "svc", auth_type: "x", tls_skip_verify: false, session_cookies: false, allow_private: false },
  ...fields,
});
const preset = (auth: Preset["auth"]): Preset => ({
  ...{ title: "Acme", category: "data", base_url: "https://a.example", docs: "https://a.example/docs" },
  ...{ auth, confidence: "high" },
});

test.each<[string, AuthType, object, ServiceFlags, string[], object, Preset?]>([
  ["a token", "bearer", {}, {}, ["new"], { token: "new" }],
  ["no secret", "bearer", {}, { description: "x" }, [], {}],
  ["a header's value", "header", { header_name: "X-K" }, {}, ["new"], { header_value: "new" }],
  ["a header's name", "header", { header_name: "X-K" }, { headerName: ["X-O"] }, [], { header_name: "X-O" }],
  [
    "a key with what its API wants before it",
    "header",
    { header_name: "authorization" },
    {},
    ["new"],
    { header_value: "Bot new" },
    preset({ type: "header", header_name: "Authorization", value_prefix: "Bot " }),
  ],
  [
    "all of several headers",
    "headers",
    { header_names: ["A", "B"] },
    {},
    ["1", "2"],
    { headers: { A: "1", B: "2" } },
  ],
  [
    "one of several headers",
    "headers",
    { header_names: ["A", "B"] },
    { headerName: ["B"] },
    ["2"],
    { headers: { B: "2" } },
  ],
  ["a parameter", "query", { query_params: ["key"] }, {}, ["new"], { params: { key: "new" } }],
  ["a password", "basic", {}, {}, ["new"], { password: "new" }],
  ["a user name", "basic", {}, { username: "bob" }, [], { username: "bob" }],
  [
    "a key that stands in the user name's place",
    "basic",
    {},
    {},
    ["new"],
    { username: "new", password: "X" },
    preset({ type: "basic", username: "key", password: "none", password_literal: "X" }),
  ],
  ["a database's password", "postgres", {}, {}, ["new"], { postgres_password: "new" }],
  ["a database's host", "postgres", {}, { host: "p:1" }, [], { postgres_host: "p", postgres_port: 1 }],
  ["an OAuth2 client's secret", "oauth2_client", {}, {}, ["new"], { client_secret: "new" }],
  ["both its secrets", "oauth2_client", {}, {}, ["n", "r"], { client_secret: "n", refresh_token: "r" }],
  ["a GitHub App's key", "github_app", {}, { githubKeyFile: "n.pem" }, [], { key_file: "n.pem" }],
  [
    "a server's password in place of its key",
    "ssh_key",
    { ssh_key_file_ref: "box.key" },
    { sshPasswordStdin: true },
    ["new"],
    { ssh_password: "new", ssh_key_file_ref: null, ssh_key_passphrase: null },
  ],
  [
    "a server's key in place of its password",
    "ssh_key",
    {},
    { sshKeyFileRef: "k" },
    [],
    { ssh_key_file_ref: "k", ssh_key_passphrase: null, ssh_password: null },
  ],
  ["a passphrase", "ssh_key", { ssh_key_file_ref: "k" }, {}, ["new"], { ssh_key_passphrase: "new" }],
  ["what may run", "ssh_key", {}, { sshAllowedCommand: ["ls"] }, [], { ssh_allowed_commands: ["ls"] }],
])("%s changes nothing else", (_, type, stored, flags, secrets, changed, known) => {
  expect(changedAuth({ info: info(stored), type, flags, secrets, preset: known })).toEqual(changed);
});

test("a secret of too many or too few lines is refused, with what they are", () => {
  const change = {
    info: info({ header_names: ["A", "B"] }),
    type: "headers",
    flags: {},
    preset: undefined,
  } as const;
  expect(() => changedAuth({ ...change, secrets: ["1"] })).toThrow("1 line, but 2 are needed");
  expect(() => changedAuth({ ...change, secrets: ["1", ""] })).toThrow("Value of B");
  expect(changedSecretLabels(change)).toEqual(["Value of A", "Value of B"]);
});

test("a bearer token with the word that the vault adds is refused", () => {
  const change = { info: info({}), type: "bearer", flags: {}, preset: undefined } as const;
  expect(() => changedAuth({ ...change, secrets: ["Bearer sk-1"] })).toThrow("it begins with `Bearer`");
});
