import { OutgoingMessage } from "node:http";
import { noteSecretsOfBody } from "./used-secrets.js";

/**
 * Runs before each file of tests that start programs: whatever they send, to a vault or as a provider that issues tokens,
 * is looked through for secrets, by which helper or library ever. Vault tokens need not be: the search knows their form.
 */
const LONGEST = 256 * 1024;
const BRACE = "{".charCodeAt(0);

const end = Reflect.get(OutgoingMessage.prototype, "end") as (...given: unknown[]) => unknown;
OutgoingMessage.prototype.end = function endNoted(this: OutgoingMessage, ...given: unknown[]) {
  const [body] = given;
  if (typeof body === "string") noteSecretsOfBody(body);
  else if (body instanceof Uint8Array && body[0] === BRACE && body.length <= LONGEST)
    noteSecretsOfBody(Buffer.from(body).toString());
  return Reflect.apply(end, this, given) as OutgoingMessage;
} as never;

const send = globalThis.fetch;
globalThis.fetch = function fetchNoted(input, init) {
  if (typeof init?.body === "string") noteSecretsOfBody(init.body);
  return send(input, init);
};
