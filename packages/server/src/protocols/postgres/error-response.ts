import { BodyReader } from "./body-reader.js";
import { SQLSTATE } from "./failure.js";
import { cstring, message } from "./message.js";

/** An ErrorResponse that ends the connection. The fields are those that every version of the server sends. */
export function errorResponse({
  sqlState,
  text,
}: {
  readonly sqlState: string;
  readonly text: string;
}): Buffer {
  return message("E", ...fields("FATAL", sqlState, text));
}

/** A NoticeResponse, which changes nothing: clients show it or pass it by. */
export function warningNotice(text: string): Buffer {
  return message("N", ...fields("WARNING", SQLSTATE.warning, text));
}

function fields(severity: string, sqlState: string, text: string): Buffer[] {
  const field = (type: string, value: string): Buffer => Buffer.concat([Buffer.from(type), cstring(value)]);
  return [
    ...[field("S", severity), field("V", severity), field("C", sqlState), field("M", text)],
    Buffer.of(0),
  ];
}

/**
 * The SQLSTATE of an ErrorResponse; undefined if it has none.
 * @throws ProtocolViolation
 */
export function readSqlState(body: Buffer): string | undefined {
  const reader = new BodyReader(body);
  let sqlState: string | undefined;
  for (;;) {
    const [type] = reader.bytes(1);
    if (type === 0) return sqlState;
    const value = reader.cstring().toString("latin1");
    if (type === 0x43) sqlState = value;
  }
}
