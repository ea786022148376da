import type { Action } from "../action.js";

/** `GET service /path`, `session service`, `shell service`, `exec service command…`, `upload|download service /path`. */
export function actionOf(text: string): Action {
  const match = /^(\S+) (\S+)(?: ([^]*))?$/.exec(text);
  if (match === null) throw new Error(`no action: ${text}`);
  const [, verb = "", service = "", rest] = match;
  switch (verb) {
    case "session":
      return { kind: "session", service, protocol: "postgres" };
    case "shell":
      return { kind: "ssh", service, action: "session" };
    case "exec":
      return { kind: "ssh", service, action: "exec", ...(rest === undefined ? {} : { command: rest }) };
    case "upload":
    case "download":
      return { kind: "ssh", service, action: verb, ...(rest === undefined ? {} : { remotePath: rest }) };
    default:
      return { kind: "http", service, method: verb, rawPath: rest ?? "" };
  }
}
