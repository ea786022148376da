import type { Client, ClientChannel } from "ssh2";

// What is used of ssh2 beneath its public face, in one place: its types know nothing of it, and another version may
// have it otherwise. The tests against real servers show each of these.

interface ClientInside {
  readonly _remoteVer?: string;
  readonly _protocol: {
    readonly _handlers: {
      GLOBAL_REQUEST: (protocol: ProtocolInside, name: string, wantsReply: boolean, data: unknown) => void;
    };
  };
}

interface ProtocolInside {
  requestFailure(): void;
  signal(channel: number, name: string): void;
}

interface ChannelInside {
  readonly outgoing: { readonly id: number; readonly state: string };
  readonly _client: { readonly _protocol: ProtocolInside };
}

/** What a connected server calls its software (RFC 4253 §4.2). */
export function remoteSoftware(client: Client): string {
  return (client as unknown as ClientInside)._remoteVer ?? "";
}

/**
 * Sends a signal to the process of a channel (RFC 4254 §6.9). The library's own method does nothing once the process was
 * told that its input has ended.
 * @param name without "SIG"
 */
export function sendSignal(channel: ClientChannel, name: "HUP" | "TERM" | "KILL"): void {
  const { outgoing, _client } = channel as unknown as ChannelInside;
  if (outgoing.state === "open" || outgoing.state === "eof") _client._protocol.signal(outgoing.id, name);
}

const HOST_KEYS = "hostkeys-00@openssh.com";

/**
 * Refuses whatever the server asks of a connecting client as a whole (RFC 4254 §4). The library reads every key that a
 * server offers for later (PROTOCOL of OpenSSH, 2.5), and takes a tenth of a second for a packet that is made for it; so
 * `onSurplus` is called for the second one.
 * @param client after `connect`
 */
export function refuseGlobalRequests(client: Client, onSurplus: () => void): void {
  let offers = 0;
  (client as unknown as ClientInside)._protocol._handlers.GLOBAL_REQUEST = (protocol, name, wantsReply) => {
    if (wantsReply) protocol.requestFailure();
    if (name === HOST_KEYS) offers += 1;
    if (offers > 1) onSurplus();
  };
}
