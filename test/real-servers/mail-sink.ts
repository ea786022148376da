import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const DELIVERY_MS = 15_000;
const POLL_MS = 20;

export interface DeliveredMessage {
  /** As after MAIL FROM; empty for a report. */
  readonly sender: string;
  /** As after RCPT TO. */
  readonly recipient: string;
  /** The line that the server put on top, unfolded: how the message came, and who had logged in. */
  readonly received: string;
  /** What was sent between DATA and the dot: the server's own lines are gone, and line ends are CRLF again. */
  readonly content: Buffer;
}

/**
 * Reads what virtual(8) delivered.
 *
 * @param folder `new` of a Maildir.
 * @throws {Error} When fewer messages have come in 15 seconds.
 */
export async function readMailSink(
  folder: string,
  recipient: string,
  count: number,
): Promise<DeliveredMessage[]> {
  const deadline = Date.now() + DELIVERY_MS;
  for (;;) {
    const names = await readdir(folder).catch(() => []);
    const messages = await Promise.all(names.sort(byArrival).map((name) => readFile(join(folder, name))));
    const delivered = messages.map(parseDelivered);
    const found = delivered.filter((message) => message.recipient === recipient);
    if (found.length >= count) return found;
    if (Date.now() > deadline) {
      const others = delivered.map((message) => message.recipient).join(", ");
      throw new Error(`${found.length} of ${count} messages to ${recipient} came; all came to: ${others}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The file names start with seconds and hold microseconds after an M. */
function byArrival(left: string, right: string): number {
  const time = (name: string): number => {
    const [, seconds, microseconds] = /^(\d+)\..*M(\d+)\./.exec(name) ?? [];
    return Number(seconds) * 1e6 + Number(microseconds);
  };
  return time(left) - time(right);
}

/** Return-Path, X-Original-To, Delivered-To and Received stand on top of what was sent, in this order. */
function parseDelivered(file: Buffer): DeliveredMessage {
  const text = file.toString("latin1");
  const top =
    /^Return-Path: <(.*)>\nX-Original-To: (.*)\nDelivered-To: .*\n(Received: .*\n(?:[ \t].*\n)*)/.exec(text);
  if (top === null) throw new Error(`not what virtual(8) writes: ${text.slice(0, 200)}`);
  const [lines, sender = "", recipient = "", received = ""] = top;
  return {
    sender: utf8(sender),
    recipient: utf8(recipient),
    received: received.replaceAll(/\n[ \t]+/g, " ").trimEnd(),
    content: Buffer.from(text.slice(lines.length).replaceAll("\n", "\r\n"), "latin1"),
  };
}

const utf8 = (latin1: string): string => Buffer.from(latin1, "latin1").toString("utf8");
