/** A strict reader of HTTP/1.1 messages (RFC 9112), for judging what an intermediary wrote. Text is Latin-1. */
export interface Message {
  /** `GET /x HTTP/1.1` or `HTTP/1.1 200 OK`. */
  readonly startLine: string;
  /** In order and letter case. */
  readonly fields: readonly (readonly [string, string])[];
  /** Without framing, as far as it came. */
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  readonly framing: "none" | "length" | "chunked" | "close";
  /** Whether the message came whole, by its own framing. */
  readonly isWhole: boolean;
}

/** All values of a field, in order. */
export function valuesOf(message: Pick<Message, "fields"> | undefined, name: string): string[] {
  const wanted = name.toLowerCase();
  return (message?.fields ?? [])
    .filter(([field]) => field.toLowerCase() === wanted)
    .map(([, value]) => value);
}

export function statusOf(answer: Message | undefined): number {
  return answer === undefined ? 0 : Number(answer.startLine.split(" ")[1]);
}

/** Requests as they came on one connection. Bytes that are no request give one whose start line is `?`. */
export function readRequests(text: string): Message[] {
  return readMessages(text, (head) => {
    if (!/^[!-~]+ [!-~\x80-\xff]+ HTTP\/1\.[01]$/.test(head.startLine)) return undefined;
    return framingOf(head) ?? { framing: "none" };
  });
}

/**
 * Answers, interim ones included, as they came on one connection to requests with these methods.
 * @param hasEnded whether the connection ended in good order, which is the end of a body without other framing
 */
export function readAnswers(text: string, methods: readonly string[], hasEnded: boolean): Message[] {
  let answered = 0;
  return readMessages(
    text,
    (head) => {
      if (!/^HTTP\/1\.[01] \d{3}(?: |$)/.test(head.startLine)) return undefined;
      const status = Number(head.startLine.slice(9, 12));
      if (status < 200) return { framing: "none" };
      const method = methods[answered];
      answered += 1;
      if (method === "HEAD" || status === 204 || status === 304) return { framing: "none" };
      return framingOf(head) ?? { framing: "close" };
    },
    hasEnded,
  );
}

type Head = Pick<Message, "startLine" | "fields">;
interface Framing {
  readonly framing: Message["framing"];
  readonly length?: number;
}

function readMessages(text: string, judge: (head: Head) => Framing | undefined, hasEnded = false): Message[] {
  const messages: Message[] = [];
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf("\r\n\r\n", at);
    const head = readHead(text.slice(at, end === -1 ? text.length : end));
    const framing = end === -1 || head === undefined ? undefined : judge(head);
    if (head === undefined || framing === undefined) {
      messages.push({ ...unreadable(text.slice(at)), isWhole: false });
      break;
    }
    const start = end + 4;
    const rest = text.slice(start);
    const body = readBody(rest, framing, hasEnded);
    messages.push({ ...head, ...body, framing: framing.framing });
    at = start + body.size;
    if (!body.isWhole) break;
  }
  return messages;
}

function unreadable(text: string): Omit<Message, "isWhole"> {
  return { startLine: "?", fields: [], body: text, trailers: [], framing: "none" };
}

function readHead(text: string): Head | undefined {
  const [startLine = "", ...lines] = text.split("\r\n");
  const fields = readFields(lines);
  return fields === undefined ? undefined : { startLine, fields };
}

function readFields(lines: readonly string[]): [string, string][] | undefined {
  const fields: [string, string][] = [];
  for (const line of lines) {
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line);
    if (match === null) return undefined;
    fields.push([match[1] ?? "", match[2] ?? ""]);
  }
  return fields;
}

function framingOf(head: Head): Framing | undefined {
  const codings = valuesOf(head, "transfer-encoding");
  const lengths = valuesOf(head, "content-length");
  if (codings.length + lengths.length > 1) throw new Error("an intermediary wrote two framings");
  if (codings.length > 0) return { framing: "chunked" };
  return lengths.length > 0 ? { framing: "length", length: Number(lengths[0]) } : undefined;
}

type Body = Pick<Message, "body" | "trailers" | "isWhole"> & { readonly size: number };

function readBody(rest: string, { framing, length = 0 }: Framing, hasEnded: boolean): Body {
  switch (framing) {
    case "none":
      return { body: "", trailers: [], isWhole: true, size: 0 };
    case "length": {
      const body = rest.slice(0, length);
      return { body, trailers: [], isWhole: body.length === length, size: body.length };
    }
    case "close":
      return { body: rest, trailers: [], isWhole: hasEnded, size: rest.length };
    case "chunked":
      return readChunks(rest);
  }
}

function readChunks(rest: string): Body {
  const pieces: string[] = [];
  let at = 0;
  for (;;) {
    const line = /^([0-9a-fA-F]{1,8})(?:;[^\r\n]*)?\r\n/.exec(rest.slice(at, at + 20_000));
    const size = parseInt(line?.[1] ?? "", 16);
    if (line === null) return { body: pieces.join(""), trailers: [], isWhole: false, size: rest.length };
    at += line[0].length;
    if (size === 0) break;
    pieces.push(rest.slice(at, at + size));
    if (rest.slice(at + size, at + size + 2) !== "\r\n") {
      return { body: pieces.join(""), trailers: [], isWhole: false, size: rest.length };
    }
    at += size + 2;
  }
  const body = pieces.join("");
  if (rest.startsWith("\r\n", at)) return { body, trailers: [], isWhole: true, size: at + 2 };
  const end = rest.indexOf("\r\n\r\n", at);
  const trailers = end === -1 ? undefined : readFields(rest.slice(at, end).split("\r\n"));
  if (trailers === undefined) return { body, trailers: [], isWhole: false, size: rest.length };
  return { body, trailers, isWhole: true, size: end + 4 };
}
