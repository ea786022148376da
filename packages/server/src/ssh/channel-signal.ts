import type { ClientChannel } from "ssh2";

/** What is used of the library's inside. */
interface LibraryChannel {
  readonly outgoing: { readonly id: number; readonly state: string };
  readonly _client: { readonly _protocol: { signal(channel: number, name: string): void } };
}

/**
 * Sends a signal to the process of a channel (RFC 4254 §6.9). The library's own method does nothing once the process was
 * told that its input has ended.
 * @param name without "SIG"
 */
export function sendSignal(channel: ClientChannel, name: "TERM" | "KILL"): void {
  const { outgoing, _client } = channel as unknown as LibraryChannel;
  if (outgoing.state === "open" || outgoing.state === "eof") _client._protocol.signal(outgoing.id, name);
}
