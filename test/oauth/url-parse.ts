/** `oidc-provider` wants Node 22 for nothing but `URL.parse`, which Node 20 lacks (WHATWG URL, "static parse"). */
if (!("parse" in URL)) {
  Object.defineProperty(URL, "parse", {
    configurable: true,
    writable: true,
    value: (input: string, base?: string) => (URL.canParse(input, base) ? new URL(input, base) : null),
  });
}
