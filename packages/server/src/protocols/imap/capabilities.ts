import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { IMAP_LIMITS } from "./limits.js";

/** The names that a server lists, spelled and ordered as it does. */
export type Capabilities = readonly string[];

/** An atom (RFC 9051 §9: `capability`, `ATOM-CHAR`): nothing that could end a line or a response code. */
const CAPABILITY = /^[^\x00-\x20\x7f-\uffff(){%*"\\\]]+$/;

/** What a client that speaks to us instead of the server must not see: how the server is logged in to. */
const LOG_IN = /^(?:STARTTLS|LOGINDISABLED|SASL-IR|AUTH=.*)$/i;

/** What a client may use to log in here. */
const LOCAL_LOG_IN: Capabilities = ["AUTH=PLAIN", "SASL-IR"];

/** For a client that has to give a password before the server is asked anything. */
export const MINIMAL_CAPABILITIES: Capabilities = ["IMAP4rev1"];

/**
 * Reads the list behind `CAPABILITY` (RFC 9051 §7.2.2). Some servers end it with a space.
 *
 * @throws ProtocolViolation
 */
export function parseCapabilities(list: string): Capabilities {
  const names = list.split(" ").filter((name) => name !== "");
  // Its own version at the least (RFC 9051 §7.2.2).
  if (names.length === 0) throw new ProtocolViolation("a list of capabilities is empty");
  if (names.length > IMAP_LIMITS.capabilities) throw new ProtocolViolation("too many capabilities");
  if (!names.every((name) => name.length <= IMAP_LIMITS.capabilityBytes && CAPABILITY.test(name)))
    throw new ProtocolViolation("a capability is not an atom");
  return names;
}

/** Names are compared without regard to letter case. */
export function hasCapability(capabilities: Capabilities, name: string): boolean {
  return capabilities.some((listed) => listed.toUpperCase() === name);
}

/** What a client is told before it logs in: what the server will have for it then, and how to log in here. */
export function capabilitiesBeforeLogin(ofServer: Capabilities): Capabilities {
  return [...ofServer.filter((name) => !LOG_IN.test(name)), ...LOCAL_LOG_IN];
}
