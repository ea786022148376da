import {
  arrayAnswer,
  booleanField,
  numberField,
  objectAnswer,
  optionalStringFields,
  stringField,
} from "./answer.js";
import { pathSegment } from "./request-target.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

/** What a rule can allow besides HTTP calls. */
export type PolicyAction = "exec" | "upload" | "download" | "session";

/** Allows what fits everything that it names. Without methods, paths and the like: all of the service. */
export interface PolicyRule {
  /** A service, several, or `*` for every one. */
  readonly service: string | readonly string[];
  readonly methods?: readonly string[] | undefined;
  /** Patterns relative to the service: `*` within a segment, `**` for any number of segments. */
  readonly paths?: readonly string[] | undefined;
  readonly actions?: readonly PolicyAction[] | undefined;
  /** What commands begin with, by words. */
  readonly commands?: readonly string[] | undefined;
  /** Files, and directories with all below them. */
  readonly remote_paths?: readonly string[] | undefined;
  /** How long it allows nothing after a use, as in Go: `300s`. */
  readonly cooldown?: string | undefined;
}

export interface PolicyLimits {
  readonly requests_per_minute?: number | undefined;
  readonly max_concurrent?: number | undefined;
  readonly max_uses?: number | undefined;
  /** Both ways: a number, or a text such as `1GB`. */
  readonly bytes_per_day?: number | string | undefined;
}

/** What a policy says, without a name: what a token can have of its own. Whatever no rule allows is denied. */
export interface PolicyContent {
  readonly rules: readonly PolicyRule[];
  readonly limits?: PolicyLimits | undefined;
  /** RFC 3339. */
  readonly valid?: { readonly from?: string | undefined; readonly until?: string | undefined } | undefined;
}

export interface Policy extends PolicyContent {
  readonly name: string;
  readonly description?: string | undefined;
}

export interface StoredPolicy extends Policy {
  /** Counts its changes, from 1. */
  readonly version: number;
  /** RFC 3339. */
  readonly updated_at: string;
}

/** A call, or in the place of `method` and `path` an action. */
export type PolicyQuestion =
  | { readonly service: string; readonly method: string; readonly path: string }
  | { readonly service: string; readonly action: "exec"; readonly command: string }
  | { readonly service: string; readonly action: "upload" | "download"; readonly remote_path: string }
  | { readonly service: string; readonly action: "session" };

export interface PolicyVerdict {
  readonly allowed: boolean;
  /** What allows it, counted from 1: `triage-bot/2`, or `rules/2` of a policy without a name. */
  readonly rule?: string;
  /** Why it is not allowed. */
  readonly reason?: string;
}

/** A policy as YAML in the place of an object. */
export type PolicyText = string;

export interface RemovePolicyOptions extends CallOptions {
  /** Even if tokens have it: they may do nothing then. */
  readonly force?: boolean | undefined;
}

export async function listPolicies(transport: Transport, options: CallOptions = {}): Promise<StoredPolicy[]> {
  const answer = await transport.json({ ...options, method: "GET", target: "/policies" });
  return arrayAnswer(answer).map(storedPolicy);
}

export async function getPolicy(
  transport: Transport,
  name: string,
  options: CallOptions = {},
): Promise<StoredPolicy> {
  return storedPolicy(await transport.json({ ...options, method: "GET", target: policyTarget(name) }));
}

export async function addPolicy(
  transport: Transport,
  policy: Policy | PolicyText,
  options: CallOptions = {},
): Promise<StoredPolicy> {
  const call = { ...options, method: "POST", target: "/policies", ...policyBody(policy) };
  return storedPolicy(await transport.json(call));
}

export async function updatePolicy(
  transport: Transport,
  name: string,
  policy: Omit<Policy, "name"> | PolicyText,
  options: CallOptions = {},
): Promise<StoredPolicy> {
  const call = { ...options, method: "PUT", target: policyTarget(name), ...policyBody(policy) };
  return storedPolicy(await transport.json(call));
}

export async function removePolicy(
  transport: Transport,
  name: string,
  { force = false, ...options }: RemovePolicyOptions = {},
): Promise<void> {
  const target = `${policyTarget(name)}${force ? "?force=true" : ""}`;
  await transport.json({ ...options, method: "DELETE", target });
}

export async function testPolicy(
  transport: Transport,
  policy: string | PolicyContent,
  question: PolicyQuestion,
  options: CallOptions = {},
): Promise<PolicyVerdict> {
  const body = { policy, ...question };
  const answer = await transport.json({ ...options, method: "POST", target: "/policies/test", body });
  booleanField(answer, "allowed");
  optionalStringFields(answer, "rule", "reason");
  return objectAnswer(answer) as unknown as PolicyVerdict;
}

function policyBody(policy: object | PolicyText): {
  body: object | string;
  headers?: Record<string, string>;
} {
  if (typeof policy !== "string") return { body: policy };
  return { body: policy, headers: { "content-type": "application/yaml" } };
}

function policyTarget(name: string): string {
  return `/policies/${pathSegment(name)}`;
}

function storedPolicy(answer: unknown): StoredPolicy {
  for (const field of ["name", "updated_at"]) stringField(answer, field);
  numberField(answer, "version");
  const policy = objectAnswer(answer);
  arrayAnswer(policy.rules).forEach(objectAnswer);
  return policy as unknown as StoredPolicy;
}
