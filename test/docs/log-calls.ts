import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** A line that the server may write to its log, as a call in its sources says it. */
export interface LogCall {
  readonly level: string;
  /** `…` stands for what is put in. */
  readonly message: string;
  /** Of each field the expressions that it may be given. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** `vault/vault.ts: vault locked` */
  readonly place: string;
}

const SOURCES = fileURLToPath(new URL("../../packages/server/src/", import.meta.url));
const CALL = /\.(?:debug|info|warn|error)\(/;
const LEVEL = /^(?:debug|info|warn|error)$/;
/** The logger itself, which passes on what it is given. */
const LOGGER = "redaction/logger.ts";
/** What has methods of those names and is no logger: a stream's controller. */
const NO_LOGGER = /(?:^|\.)controller$/;

type Fields = [name: string, value: string][];

/** @throws Error of a call whose fields or message cannot be seen where it stands */
export function logCalls(): readonly LogCall[] {
  return readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !/\.test\.ts$|(?:^|\/)testing\//.test(path) && path !== LOGGER)
    .sort()
    .flatMap((path) => {
      const source = readFileSync(`${SOURCES}${path}`, "utf8");
      return CALL.test(source) ? callsIn(path, source) : [];
    });
}

export function callsIn(path: string, source: string): LogCall[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  const found: LogCall[] = [];
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit);
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    const { expression: callee, arguments: given } = node;
    if (!LEVEL.test(callee.name.text) || NO_LOGGER.test(callee.expression.getText())) return;
    const [fields, message] = given;
    if (fields === undefined || message === undefined) throw unclear(file, node);
    const named = new Map<string, string[]>();
    for (const [name, value] of fieldsOf(file, fields)) named.set(name, [...(named.get(name) ?? []), value]);
    for (const text of messagesOf(file, message))
      found.push({ level: callee.name.text, message: text, fields: named, place: `${path}: ${text}` });
  };
  visit(file);
  return found;
}

function messagesOf(file: ts.SourceFile, message: ts.Expression): string[] {
  if (ts.isStringLiteralLike(message)) return [message.text];
  if (ts.isTemplateExpression(message))
    return [message.head.text + message.templateSpans.map(({ literal }) => `…${literal.text}`).join("")];
  if (ts.isConditionalExpression(message))
    return [message.whenTrue, message.whenFalse].flatMap((either) => messagesOf(file, either));
  if (ts.isElementAccessExpression(message)) {
    const table = declarationOf(file, message.expression.getText());
    if (table !== undefined && ts.isObjectLiteralExpression(table))
      return table.properties.flatMap((property) =>
        ts.isPropertyAssignment(property) ? messagesOf(file, property.initializer) : [],
      );
  }
  // The words of an error of this server.
  if (ts.isPropertyAccessExpression(message) && message.name.text === "message") return ["…"];
  throw unclear(file, message);
}

function fieldsOf(file: ts.SourceFile, fields: ts.Node): Fields {
  if (ts.isParenthesizedExpression(fields)) return fieldsOf(file, fields.expression);
  if (ts.isConditionalExpression(fields))
    return [fields.whenTrue, fields.whenFalse].flatMap((either) => fieldsOf(file, either));
  if (ts.isObjectLiteralExpression(fields))
    return fields.properties.flatMap((property): Fields => {
      if (ts.isSpreadAssignment(property)) return fieldsOf(file, property.expression);
      const name = property.name.getText();
      return [[name, ts.isPropertyAssignment(property) ? property.initializer.getText() : name]];
    });
  if (ts.isCallExpression(fields)) {
    const name = fields.expression.getText();
    if (name === "describeThrown") return ["thrown", "code", "at"].map((field) => [field, name]);
    const called = declarationOf(file, name);
    if (called !== undefined) return returnsOf(called).flatMap((returned) => fieldsOf(file, returned));
  }
  throw unclear(file, fields);
}

/** What a constant of the file is, or the function of that name. */
function declarationOf(file: ts.SourceFile, name: string): ts.Node | undefined {
  let found: ts.Node | undefined;
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionDeclaration(node) && node.name?.text === name) found = node;
    if (ts.isVariableDeclaration(node) && node.name.getText() === name) found = node.initializer;
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function returnsOf(called: ts.Node): ts.Node[] {
  if (ts.isArrowFunction(called) && !ts.isBlock(called.body)) return [called.body];
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isReturnStatement(node) && node.expression !== undefined) found.push(node.expression);
    ts.forEachChild(node, visit);
  };
  visit(called);
  return found;
}

function unclear(file: ts.SourceFile, node: ts.Node): Error {
  const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  return new Error(
    `${file.fileName}:${String(line)}: write level, fields and message of a log line out where it is logged: ` +
      node.getText(),
  );
}
