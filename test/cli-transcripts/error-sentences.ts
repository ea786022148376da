import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** An error that vault-cli words itself. */
export interface ErrorSentence {
  /** `commands/down.ts: vault-server (pid …) does not stop` */
  readonly name: string;
  /** What is always the same of it, in this order. */
  readonly parts: readonly string[];
}

const ERRORS = /^(?:Usage|Cli|NotRunnable|InvalidArgument)Error$/;
const SOURCES = fileURLToPath(new URL("../../packages/cli/src/", import.meta.url));

/**
 * The sentences of all errors in the sources of vault-cli. Those that are another's words throughout, such as a
 * server's, are not among them.
 */
export function errorSentences(): readonly ErrorSentence[] {
  return readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !/\.test\.ts$|^testing\//.test(path))
    .sort()
    .flatMap((path) => sentencesOf(path, readFileSync(`${SOURCES}${path}`, "utf8")));
}

/** Whether a line of standard error of a transcript has the sentence. */
export function isIn(line: string, { parts }: ErrorSentence): boolean {
  let at = 0;
  for (const part of parts) {
    const found = line.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return true;
}

function sentencesOf(path: string, source: string): ErrorSentence[] {
  const found: ErrorSentence[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && ERRORS.test(node.expression.getText())) {
      const parts = literalParts(node.arguments?.[0]);
      if (parts.length > 0) found.push({ name: `${path}: ${parts.join("…")}`, parts });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true));
  return found;
}

function literalParts(sentence: ts.Expression | undefined): string[] {
  if (sentence === undefined) return [];
  if (ts.isStringLiteralLike(sentence)) return [sentence.text];
  if (!ts.isTemplateExpression(sentence)) return [];
  const parts = [sentence.head.text, ...sentence.templateSpans.map(({ literal }) => literal.text)];
  return parts.filter((part) => /\w/.test(part));
}
