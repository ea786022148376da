import { LineCounter, parseDocument, visit } from "yaml";
import { POLICY_LIMITS } from "./policy-limits.js";

export type ReadPolicyText =
  | { readonly ok: true; readonly value: unknown }
  /** A sentence for the caller that repeats nothing of the text. */
  | { readonly ok: false; readonly reason: string };

/**
 * Reads a policy written as YAML 1.2 (core schema) or JSON, which is a part of it. Refused are tags, anchors, aliases,
 * directives, duplicate keys and more than one document. The value is not validated yet.
 */
export function readPolicyText(text: string): ReadPolicyText {
  if (Buffer.byteLength(text) > POLICY_LIMITS.textBytes) {
    return refuse(`the policy is longer than ${String(POLICY_LIMITS.textBytes)} bytes`);
  }
  // A directive could choose YAML 1.1, where `no` is false and `1:30` is a number.
  if (/^%/m.test(text)) return refuse("the policy must not hold a YAML directive");
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      version: "1.2",
      schema: "core",
      uniqueKeys: true,
      strict: true,
      merge: false,
      prettyErrors: false,
      logLevel: "silent",
      lineCounter: lines,
    });
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) {
      return refuse(`the policy is not valid YAML at line ${String(lines.linePos(fault.pos[0]).line)}`);
    }
    const extra = nameOfExtra(document);
    if (extra !== undefined) return refuse(`the policy must not hold a YAML ${extra}`);
    return { ok: true, value: document.toJS({ maxAliasCount: 0 }) };
  } catch {
    // The library throws, by the depth of its own calls, for what is nested too deep.
    return refuse("the policy is not valid YAML");
  }
}

function nameOfExtra(document: ReturnType<typeof parseDocument>): string | undefined {
  let found: string | undefined;
  visit(document, {
    Alias: () => {
      found = "alias";
      return visit.BREAK;
    },
    Node: (_, node) => {
      if (node.tag !== undefined) found = "tag";
      else if ("anchor" in node && node.anchor !== undefined) found = "anchor";
      return found === undefined ? undefined : visit.BREAK;
    },
  });
  return found;
}

function refuse(reason: string): ReadPolicyText {
  return { ok: false, reason };
}
