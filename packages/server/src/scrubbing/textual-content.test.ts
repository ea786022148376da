import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isTextual } from "./textual-content.js";

describe("which bodies are textual", () => {
  test.each([
    "text/plain",
    "text/html; charset=utf-8",
    "text/event-stream",
    "application/json",
    "application/problem+json",
    "application/vnd.api+json; ext=x",
    "application/xml",
    "application/atom+xml",
    "image/svg+xml",
    "application/javascript",
    "application/ecmascript",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=----x",
    "multipart/mixed; boundary=x",
    "application/x-ndjson",
    "application/jsonl",
    "application/json-seq",
    "application/graphql",
    "application/graphql-response+json",
    "application/yaml",
    "application/jwt",
    "message/rfc822",
    ...["application/x-amz-json-1.1", "application/json+protobuf", "application/x-ldjson"],
    ...["application/json-rpc", "application/stream+ndjson", "application/jsonml+json", "application/json5"],
    ...["application/x-nd-json", "application/geo+json-seq", "application/jsonx", "model/gltf+json"],
    ...["application/vnd.kafka.avro.v2+json", "application/grpc+json", "application/grpc-web-text+proto"],
    ...["application/sparql-results+xml", "application/xml+foo", "application/vnd.yaml", "application/x-yml"],
    ...["application/csv", "application/x-csv", "application/tab-separated-values"],
    ...["application/vnd.apple.mpegurl", "audio/mpegurl", "application/x-mpegURL", "application/rtf"],
    ...["application/jose", "application/x-pem-file", "application/pgp-signature", "application/jwk-set"],
    ...[
      "application/vnd.github.v3.diff",
      "application/vnd.github.patch",
      "application/x-sh",
      "application/x-csh",
    ],
    ...["application/typescript", "application/x-httpd-php", "application/x-sql", "application/x-latex"],
    ...["application/n-quads", "application/n-triples", "application/openmetrics-text", "application/logfmt"],
    ...["application/toml", "application/x-java-properties", "application/x-ini", "application/http"],
  ])("%s is", (type) => {
    expect(isTextual(type)).toBe(true);
  });

  test.each([
    "image/png",
    "audio/mpeg",
    "video/mp4",
    "font/woff2",
    "application/octet-stream",
    "application/pdf",
    "application/zip",
    "application/grpc",
    "application/x-protobuf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ...[
      "image/jpeg",
      "image/x-icon",
      "audio/ogg",
      "video/mp2t",
      "video/webm",
      "font/ttf",
      "model/gltf-binary",
    ],
    ...[
      "application/gzip",
      "application/x-tar",
      "application/wasm",
      "application/msgpack",
      "application/cbor",
    ],
    ...["application/x-msgpack", "application/vnd.msgpack", "application/senml+cbor", "application/bson"],
    ...["application/ubjson", "application/vnd.google.protobuf", "application/protobuf", "application/proto"],
    ...[
      "application/grpc+proto",
      "application/grpc-web",
      "application/grpc-web+proto",
      "application/connect+proto",
    ],
    ...[
      "application/avro",
      "avro/binary",
      "application/vnd.apache.parquet",
      "application/vnd.apache.arrow.stream",
    ],
    ...[
      "application/vnd.ms-excel",
      "application/msword",
      "application/vnd.ms-powerpoint",
      "application/vnd.visio",
    ],
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ...["application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text-template"],
    ...["application/vnd.sun.xml.writer", "application/vnd.ms-htmlhelp", "application/epub+zip"],
    ...["application/java-archive", "application/vnd.android.package-archive", "application/x-msdownload"],
    ...[
      "application/x-sqlite3",
      "application/x-python-code",
      "application/x-tex-tfm",
      "application/postscript",
    ],
    ...[
      "application/vnd.wap.wbxml",
      "application/vnd.syncml+wbxml",
      "application/fastinfoset",
      "application/exi",
    ],
    ...["application/x-json+gzip", "image/svg+xml-compressed", "application/x-pkcs12", "application/pkcs8"],
    ...[
      "application/x-protobuf",
      "application/x-shockwave-flash",
      "application/x-xz",
      "application/x-7z-compressed",
    ],
    ...[
      "application/dicom",
      "application/ogg",
      "application/mp4",
      "application/x-font-ttf",
      "application/vnd.rar",
      "application/x-font-tex",
      "application/x-ips-patch",
      "application/vnd.sealedmedia.softseal.html",
    ],
    "application/x-textual",
    "texture/plain",
    "image/json",
    'image/png; name="a, b; c=d\\" text/plain"',
    "image/png;",
    "image/png ; ; a=b ;",
    "\tIMAGE/PNG\t;\tname=x",
  ])("%s is not", (type) => {
    expect(isTextual(type)).toBe(false);
  });

  test("no type at all is", () => {
    expect(isTextual(undefined)).toBe(true);
    expect(isTextual("")).toBe(true);
    expect(isTextual("  ")).toBe(true);
  });

  test("case and space around it don't matter", () => {
    expect(isTextual(" APPLICATION/JSON ;\tCharset=UTF-8")).toBe(true);
    expect(isTextual("Text/HTML")).toBe(true);
    expect(isTextual("application/Problem+JSON;x")).toBe(true);
  });

  test.each([
    "image/png, image/png",
    "image/png, text/html",
    "image/png; a=b, text/html",
    "image",
    "image/",
    "/png",
    "image /png",
    "image/png/x",
    "image/png x",
    "image/png; a",
    'image/png; a="unclosed',
    "image/png; a=b c=d",
    "image/pñg",
    "image/png\n",
    "image/png\0",
  ])("%j is no single media type and therefore searched", (type) => {
    expect(isTextual(type)).toBe(true);
  });

  test("it answers fast and without error whatever it is given", () => {
    const unit = fc.constantFrom("a", "/", ";", "=", '"', "\\", " ", ",", "\t", "é", "\n");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 200 }), (text) => {
        expect(typeof isTextual(text)).toBe("boolean");
        expect(isTextual(`${text}, text/html`)).toBe(true);
      }),
    );
    for (const text of ["; ", ";a=b", ' "', ';a="\\"', "a", "\t"]) {
      const started = performance.now();
      isTextual(`image/png${text.repeat(50_000)}!`);
      expect(performance.now() - started).toBeLessThan(500);
    }
  });
});
