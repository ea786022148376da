import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context, Provider } from "oidc-provider";

/** The one person whom the provider knows. */
export const PERSON = { login: "alice@example.test", password: "alice's own password" } as const;
export const INTERACTION_PATH = "/interaction/";

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

function page(title: string, content: string): string {
  return (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
    `<title>${escaped(title)}</title></head><body><h1>${escaped(title)}</h1>${content}</body></html>`
  );
}

function answer(response: ServerResponse, status: number, html: string): void {
  response
    .writeHead(status, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" })
    .end(html);
}

const LOGIN_FORM =
  '<form method="post"><label>Email <input name="login" type="email" autocomplete="off" required></label>' +
  '<label>Password <input name="password" type="password" required></label>' +
  '<button name="action" value="login">Sign in</button></form>';
const CONSENT_FORM =
  '<form method="post"><button name="action" value="allow">Allow</button>' +
  '<button name="action" value="refuse">Refuse</button></form>';

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/** Where a person signs in ("Sign in") and then says "Allow" or "Refuse". @param refusal what a refusal is reported as. */
export async function serveInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  refusal: () => { readonly error: string; readonly error_description: string },
): Promise<void> {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  const clientId = params.client_id ?? "";
  if (request.method !== "POST") {
    if (prompt.name === "login") answer(response, 200, page("Sign in", LOGIN_FORM));
    else {
      const scopes = `<p>${escaped(clientId)} asks for: ${escaped(params.scope ?? "nothing")}</p>`;
      answer(response, 200, page("Allow access?", scopes + CONSENT_FORM));
    }
    return;
  }
  const form = await formOf(request);
  if (form.get("action") === "refuse") {
    await provider.interactionFinished(request, response, refusal());
  } else if (prompt.name === "login") {
    if (form.get("login") !== PERSON.login || form.get("password") !== PERSON.password) {
      answer(response, 401, page("Sign in", `<p>Wrong email or password.</p>${LOGIN_FORM}`));
      return;
    }
    await provider.interactionFinished(request, response, { login: { accountId: PERSON.login } });
  } else {
    const accountId = session?.accountId ?? PERSON.login;
    const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
    const grant = known ?? new provider.Grant({ accountId, clientId });
    const { missingOIDCScope, missingOIDCClaims } = prompt.details;
    if (missingOIDCScope !== undefined) grant.addOIDCScope(missingOIDCScope.join(" "));
    if (missingOIDCClaims !== undefined) grant.addOIDCClaims(missingOIDCClaims);
    await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  }
}

/** The pages of the device grant (RFC 8628 section 3.3): the code, whether it is the one on the device, and the end. */
export const devicePages = {
  userCodeInputSource: (context: Context, form: string, _out?: object, error?: Error): void => {
    const complaint = error === undefined ? "" : "<p>That code is not right.</p>";
    const button = '<button type="submit" form="op.deviceInputForm">Continue</button>';
    context.body = page("Enter the code", complaint + form + button);
  },
  userCodeConfirmSource: (
    context: Context,
    form: string,
    client: { readonly clientId: string },
    _deviceInfo: object,
    userCode: string,
  ): void => {
    const question = `<p>${escaped(client.clientId)}: is <code>${escaped(userCode)}</code> the code on the device?</p>`;
    const buttons =
      '<button type="submit" form="op.deviceConfirmForm">Continue</button>' +
      '<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">Abort</button>';
    context.body = page("Confirm the device", question + form + buttons);
  },
  successSource: (context: Context): void => {
    context.body = page("The device is connected", "<p>You can close this page.</p>");
  },
};
