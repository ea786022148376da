import { CST, Lexer, LineCounter, parseDocument } from "yaml";
import { POLICY_LIMITS } from "./policy-limits.js";
import { sizeText } from "../errors/size-text.js";

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
    return refuse(`the policy is longer than ${sizeText(POLICY_LIMITS.textBytes)}`);
  }
  const unwanted = unwantedIn(text);
  if (unwanted !== undefined) return refuse(unwanted);
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      version: "1.2",
      schema: "core",
      uniqueKeys: true,
      strict: true,
      merge: false,
      prettyErrors: false,
      logLevel: "error",
      lineCounter: lines,
    });
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) {
      return refuse(`the policy is not valid YAML at line ${String(lines.linePos(fault.pos[0]).line)}`);
    }
    return { ok: true, value: document.toJS({ maxAliasCount: 0 }) };
  } catch {
    // `toJS` throws for some of what has passed so far, such as a list as a key.
    return refuse("the policy is not valid YAML");
  }
}

/**
 * Looks for it before the library composes the document. That goes by recursion, which in a document nested deep
 * enough ends the process ("RegExpCompiler Allocation failed") and not with an error to be caught; and thousands of
 * tags take it seconds. Its lexer neither recurses nor collects. In a block, each level takes an indicator or a
 * column more; in brackets, a bracket.
 */
function unwantedIn(text: string): string | undefined {
  const { nesting, indentation } = POLICY_LIMITS;
  const tooDeep = "the policy is nested too deep";
  let brackets = 0;
  let indicatorsOfLine = 0;
  for (const token of new Lexer().lex(text)) {
    switch (CST.tokenType(token)) {
      case "tag":
        return "the policy must not hold a YAML tag";
      case "anchor":
        return "the policy must not hold a YAML anchor";
      case "alias":
        return "the policy must not hold a YAML alias";
      case "directive-line":
        // It could choose YAML 1.1, where `no` is false and `1:30` is a number.
        return "the policy must not hold a YAML directive";
      case "newline":
        indicatorsOfLine = 0;
        break;
      case "space":
        if (token.length > indentation) return tooDeep;
        break;
      case "seq-item-ind":
      case "explicit-key-ind":
      case "map-value-ind":
        indicatorsOfLine += 1;
        if (brackets === 0 && indicatorsOfLine > nesting) return tooDeep;
        break;
      case "flow-seq-start":
      case "flow-map-start":
        brackets += 1;
        if (brackets > nesting) return tooDeep;
        break;
      case "flow-seq-end":
      case "flow-map-end":
        brackets -= 1;
        break;
      default:
        break;
    }
  }
  return undefined;
}

function refuse(reason: string): ReadPolicyText {
  return { ok: false, reason };
}
