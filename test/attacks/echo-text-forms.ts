import { type EchoForm, echoOf, type Received, withLength } from "./echo-form.js";
import { base64, type Encode, join, plain } from "./marked-text.js";
import {
  asciiJson,
  formValue,
  html,
  json,
  lowerPercent,
  percent,
  unicodeEscapes,
  xml,
} from "./text-encoders.js";

/** Bodies that are texts: how the echo is written, what stands around it, and what it is said to be. */
const TEXTS: readonly [
  name: string,
  type: string | undefined,
  encode: Encode,
  before: string,
  after: string,
][] = [
  ["plain text", "text/plain", (text) => text, "", ""],
  ["JSON", "application/json", json, '{"received":"', '","ok":true}'],
  ["pretty JSON", "application/json; charset=utf-8", json, '{\n  "headers": [\n    "', '"\n  ]\n}\n'],
  [
    "JSON in a JSON string",
    "application/json",
    (text) => json(json(text)),
    '{"data":"{\\"got\\":\\"',
    '\\"}"}',
  ],
  ["JSON, all of it as \\u", "application/vnd.api+json", unicodeEscapes, '["', '"]'],
  ["JSON in ASCII", "application/problem+json", asciiJson, '["', '"]'],
  ["HTML", "text/html; charset=utf-8", html, "<p>You sent</p><pre>", "</pre>"],
  ["XML", "application/xml", xml, '<?xml version="1.0"?><echo what="', '"/>'],
  ["SOAP", "application/soap+xml", xml, "<Envelope><Fault>", "</Fault></Envelope>"],
  ["a form", "application/x-www-form-urlencoded", formValue, "a=1&got=", "&b=2"],
  ["percent-encoding", "text/plain", percent, "got=", "."],
  ["percent-encoding in lower case", "text/plain", lowerPercent, "got=", "."],
  ["NDJSON", "application/x-ndjson", json, '{"n":1}\n{"got":"', '"}\n{"n":2}\n'],
  ["one event", "text/event-stream", json, 'event: echo\ndata: {"got":"', '"}\n\n'],
  ["JavaScript", "text/javascript", json, 'callback("', '");'],
  ["YAML", "application/yaml", json, 'got: "', '"\n'],
  ["no Content-Type", undefined, (text) => text, "", ""],
  ["a Content-Type that is none", "json", json, '"', '"'],
  ["a Content-Type in odd case", "aPPlicaTion/JSON;CHARSET=utf-8", json, '"', '"'],
  ["a wrong Content-Type", "Text/CSS", json, '{"got":"', '"}'],
  [
    "multipart",
    'multipart/form-data; boundary="b0"',
    (text) => text,
    '--b0\r\nContent-Disposition: form-data; name="got"\r\n\r\n',
    "\r\n--b0--\r\n",
  ],
];

export const textForms: readonly EchoForm[] = TEXTS.map(([name, type, encode, before, after]) => ({
  name,
  answer: (received) => withLength(type, join(plain(before), echoOf(received, encode), plain(after))),
}));

export const base64Forms: readonly EchoForm[] = ([0, 1, 2] as const).flatMap((alignment) =>
  (["base64", "base64url"] as const).map((alphabet) => ({
    name: `${alphabet}, moved by ${alignment}`,
    answer: (received: Received) =>
      withLength(
        "application/json",
        join(plain('"'), base64(join(plain("x".repeat(alignment)), echoOf(received)), alphabet), plain('"')),
      ),
  })),
);

export const errorForms: readonly EchoForm[] = [400, 401, 403, 404, 429, 500, 503].map((status) => ({
  name: `an error ${status}`,
  answer: (received) =>
    withLength(
      "application/json",
      join(plain('{"error":"bad key: '), echoOf(received, json), plain('"}')),
      status,
    ),
}));
