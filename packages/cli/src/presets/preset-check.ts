import type { Preset, PresetLogin, TenantRule } from "./preset.js";
import {
  anyOf,
  fields,
  flag,
  listOf,
  mapOf,
  matching,
  oneOf,
  positiveInteger,
  text,
  type ShapeCheck,
} from "./shape-check.js";

const anything: ShapeCheck = () => [];

const TENANT = "{tenant}";

/** With `{tenant}` in the host or the path; no user name, port, fragment or trailing slash. */
const url: ShapeCheck = (value, at) => {
  if (typeof value !== "string") return [`${at}: no text`];
  const filled = value.replaceAll(TENANT, "tenant");
  if (!/^https:\/\/[a-z0-9.-]+(?:\/[\w.~/@#!$&'()*+,;=:%?-]*)?$/i.test(filled) || !URL.canParse(filled)) {
    return [`${at}: not an https URL`];
  }
  const { username, password, port, hash } = new URL(filled);
  return username + password + port + hash === "" ? [] : [`${at}: has more than host, path and query`];
};

const baseUrl: ShapeCheck = (value, at) => [
  ...url(value, at),
  ...(typeof value === "string" && /[/?]$|\?/.test(value) ? [`${at}: ends in a slash, or has a query`] : []),
];

const name = matching(/^[a-z][a-z0-9_]*$/, "a name");
const id = matching(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, "an id");
const hostName = matching(/^(?:[a-z0-9-]+\.)+[a-z]+$/, "a host name");
const headerName = matching(/^[A-Za-z0-9-]+$/, "a header's name");
const headers = mapOf(headerName, matching(/^[\x20-\x7e]+$/, "a header's value"));
const variable = matching(/^[A-Z][A-Z0-9_]*$|^npm_config_[a-z]+$/, "a variable's name");
const scope = matching(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "a scope (RFC 6749 §3.3)");
const confidence = oneOf("high", "medium");
const parameters = mapOf(name, anyOf(text, positiveInteger));

const pattern: ShapeCheck = (value, at) => {
  if (typeof value !== "string") return [`${at}: no text`];
  try {
    new RegExp(value);
  } catch {
    return [`${at}: no regular expression`];
  }
  // An alternative outside of brackets would have one anchor only.
  const isAnchored = /^\^(?:[^|]*|[^(|]*\(\?:.*\)[^|)]*)\$$/s.test(value);
  return isAnchored ? [] : [`${at}: not anchored at both ends`];
};

/** What would take a host or a path elsewhere. */
const HOSTILE_TENANTS = [
  "",
  "a/b",
  "a@b",
  "a#b",
  "a?b",
  "a:1",
  "a b",
  "a\\b",
  "%2f",
  "a\n",
  "..",
  ".",
  "a..b",
  "-",
];

const tenantFields = fields({ meaning: text, example: text, pattern }, { default: text });
const tenant: ShapeCheck = (value, at) => {
  const problems = tenantFields(value, at);
  if (problems.length > 0) return problems;
  const rule = value as TenantRule;
  const matches = (candidate: string): boolean => new RegExp(rule.pattern).test(candidate);
  return [
    ...[rule.example, rule.default ?? rule.example]
      .filter((candidate) => !matches(candidate))
      .map((candidate) => `${at}: its pattern refuses ${candidate}`),
    ...HOSTILE_TENANTS.filter(matches).map(
      (candidate) => `${at}: its pattern takes ${JSON.stringify(candidate)}`,
    ),
  ];
};

const lifetime = anyOf(positiveInteger, oneOf("absent"));

const AUTH: Readonly<Record<string, ShapeCheck>> = {
  bearer: fields(
    { type: anything },
    {
      exchange: fields({
        method: oneOf("POST"),
        url,
        body_format: oneOf("json", "form"),
        body: mapOf(name, text),
        token_field: name,
      }),
    },
  ),
  header: fields(
    { type: anything, header_name: headerName },
    { value_prefix: matching(/^[\x20-\x7e]*$/, "a prefix") },
  ),
  headers: fields({ type: anything, headers: listOf(headerName) }),
  basic: fields(
    { type: anything, username: text, password: text },
    { username_literal: text, username_suffix: text, password_literal: text },
  ),
  query: fields({ type: anything, params: listOf(name) }),
  url: fields({ type: anything, template: matching(/^\/.*\{secret\}/, "a path with {secret}") }),
  oauth2_client: fields(
    { type: anything, token_url: url, client_auth: oneOf("post", "basic"), expires_in: lifetime },
    { scope, extra_token_params: parameters },
  ),
  service_account: fields({
    ...{ type: anything, token_url: url, audience: url, default_scope: scope, expires_in: lifetime },
    ...{ grant_type: text, assertion_alg: oneOf("RS256") },
  }),
  aws_sigv4: fields({ type: anything, credentials: listOf(text), service_and_region: text }),
};

const auth: ShapeCheck = (value, at) => {
  const check = AUTH[String((value as { type?: unknown } | null)?.type)];
  return check === undefined ? [`${at}.type: unknown`] : check(value, at);
};

const login = fields(
  {
    authorize_url: url,
    token_url: url,
    client_auth: oneOf("post", "basic"),
    confidence,
  },
  {
    ...{ apps_page: url, base_url: baseUrl, tenant, refresh_url: url, device_url: url },
    ...{ token_body: oneOf("json"), token_header: headerName, pkce: oneOf(true) },
    ...{ scope_separator: oneOf(" ", ","), offline_scope: scope, example_scopes: listOf(scope) },
    ...{ extra_authorize_params: parameters, extra_token_params: parameters },
    ...{ refresh: oneOf("rotates", "static", "none"), expires_in: lifetime, may_never_end: oneOf(true) },
    advice: text,
    note: text,
  },
);

const preset = fields(
  { title: text, category: name, base_url: baseUrl, auth, docs: url, confidence },
  {
    ...{ family: id, tenant, other_hosts: listOf(hostName) },
    ...{ shared_host: oneOf(true), login_only: oneOf(true) },
    ...{ required_headers: headers, optional_headers: headers, oauth2: login },
    test: fields(
      {
        method: oneOf("GET", "POST"),
        path: matching(/^\/[\x21-\x7e]*$/, "a path"),
        expect: fields(
          { status: positiveInteger },
          { json: mapOf(text, anything), json_present: listOf(text) },
        ),
      },
      { body: mapOf(text, anything) },
    ),
    key_pattern: pattern,
    env: listOf(variable),
    sdk_base_url_env: fields(
      { name: variable, includes_v1: flag },
      { default: url, includes_path: matching(/^\//, "a path"), trailing_slash: oneOf(true) },
    ),
    note: text,
  },
);

/** What is wrong with an entry of the file, one sentence each. */
export function presetProblems(presetId: string, value: unknown): string[] {
  const problems = [...id(presetId, presetId), ...preset(value, presetId)];
  return problems.length > 0 ? problems : consistencyProblems(presetId, value as Preset);
}

function consistencyProblems(presetId: string, { oauth2, ...entry }: Preset): string[] {
  const { tenant: ownTenant, ...own } = entry;
  const problems: string[] = [];
  const usesTenant = JSON.stringify([own, oauth2?.tenant === undefined ? oauth2 : {}]).includes(TENANT);
  if (usesTenant !== (ownTenant !== undefined))
    problems.push(`${presetId}: tenant and ${TENANT} go together`);
  if (own.login_only === true && oauth2 === undefined)
    problems.push(`${presetId}: login_only without oauth2`);
  if (oauth2 === undefined) return problems;
  if (oauth2.tenant !== undefined && !JSON.stringify({ ...oauth2, tenant: undefined }).includes(TENANT)) {
    problems.push(`${presetId}.oauth2: a tenant that is used nowhere`);
  }
  return [...problems, ...loginProblems(`${presetId}.oauth2`, oauth2)];
}

function loginProblems(at: string, { refresh, may_never_end, expires_in, ...login }: PresetLogin): string[] {
  const { offline_scope, scope_separator, example_scopes } = login;
  return [
    ...(refresh === "none" && may_never_end !== true ? [`${at}: without refresh, tokens never end`] : []),
    ...(may_never_end === true && refresh === "none" && expires_in !== "absent"
      ? [`${at}: a token that never ends has no lifetime`]
      : []),
    ...(scope_separator === undefined && (offline_scope ?? example_scopes) !== undefined
      ? [`${at}: scopes without scope_separator`]
      : []),
  ];
}
