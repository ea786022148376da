import type { Action } from "@vault-proxy/server/policies";

/** An action on a line. */
export function actionText(action: Action): string {
  const { service } = action;
  switch (action.kind) {
    case "http":
      return `${action.method} ${service} ${action.rawPath}`;
    case "session":
      return `${service} session`;
    case "ssh":
      return [service, action.action, action.command ?? action.remotePath].filter(Boolean).join(" ");
  }
}
