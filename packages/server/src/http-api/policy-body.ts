import type { MiddlewareHandler } from "hono";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { POLICY_LIMITS } from "../policies/policy-limits.js";
import { decodeText, jsonBody, mediaTypeOf, readBody, replaceBody } from "./request-body.js";

/** RFC 9512. */
export const YAML_MEDIA_TYPE = "application/yaml";

/** Lets a policy through to validation that is written as JSON, or as YAML if it says so. */
export const policyBody: MiddlewareHandler = async function requirePolicyBody(c, next) {
  if (mediaTypeOf(c.req.header("content-type")) !== YAML_MEDIA_TYPE) return jsonBody(c, next);
  const text = decodeText(await readBody(c.req.raw, POLICY_LIMITS.textBytes));
  // Of 200 KB of text, and seldom asked for.
  const { readPolicyText } = await import("../policies/policy-text.js");
  const read = readPolicyText(text);
  if (!read.ok) throw new VaultProxyError("invalid_request", `body: ${read.reason}`);
  replaceBody(c, JSON.stringify(read.value), read.value);
  await next();
  return undefined;
};
