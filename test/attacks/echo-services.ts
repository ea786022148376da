/** Credentials as long and as odd as services hand them out, one service for each place they go to. */
export interface EchoService {
  readonly name: string;
  readonly basePath: string;
  readonly auth: Readonly<Record<string, unknown>>;
  readonly secrets: readonly string[];
}

const LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX_DIGITS = "0123456789abcdef";
const SIGNS = "+/=&%\"\\<>'";

export function makeEchoServices(random: () => number): readonly EchoService[] {
  const pick = (alphabet: string): string => {
    const characters = Array.from(alphabet);
    return characters[Math.floor(random() * characters.length)] ?? "";
  };
  const draw = (length: number, alphabet = LETTERS_AND_DIGITS): string =>
    Array.from({ length }, () => pick(alphabet)).join("");
  /** Random characters with each of the signs somewhere in between. */
  const drawWith = (length: number, signs: string): string => {
    const characters = Array.from(draw(length));
    const places = [...characters.keys()].slice(1, -1).sort(() => random() - 0.5);
    Array.from(signs).forEach((sign, index) => (characters[places[index] ?? 0] = sign));
    return characters.join("");
  };

  const bearer = `sk-proj-${draw(156, `${LETTERS_AND_DIGITS}-_`)}`;
  const bearerWithSigns = drawWith(48, SIGNS);
  const hex = draw(64, HEX_DIGITS);
  const latin1 = drawWith(40, "éßÿ¡+/=");
  const two = [draw(40), drawWith(200, SIGNS.repeat(4))] as const;
  const user = `rk_live_${draw(40)}`;
  const password = drawWith(60, `${SIGNS}:äö€𝄞 `);
  const params = [drawWith(45, `${SIGNS}€ 😀?#`), draw(39)] as const;
  const pathToken = `${draw(10, "0123456789")}:${drawWith(36, "+,;!*'()@$&=/?\"\\é%")}`;
  const plainPathToken = `${draw(10, "0123456789")}:AA${draw(33, `${LETTERS_AND_DIGITS}-_`)}`;

  const basePath = "/api/v1";
  const inPath = "/bot{token}/v1";
  return [
    { name: "bearer", basePath, auth: { type: "bearer", token: bearer }, secrets: [bearer] },
    {
      name: "bearer-signs",
      basePath,
      auth: { type: "bearer", token: bearerWithSigns },
      secrets: [bearerWithSigns],
    },
    {
      name: "header",
      basePath,
      auth: { type: "header", header_name: "X-Echo-Key", header_value: hex },
      secrets: [hex],
    },
    {
      name: "header-latin1",
      basePath,
      auth: { type: "header", header_name: "X-Echo-Key", header_value: latin1 },
      secrets: [latin1],
    },
    {
      name: "headers",
      basePath,
      auth: { type: "headers", headers: { "X-Echo-Key-1": two[0], "X-Echo-Key-2": two[1] } },
      secrets: two,
    },
    { name: "basic", basePath, auth: { type: "basic", username: user, password }, secrets: [user, password] },
    { name: "basic-key", basePath, auth: { type: "basic", username: user, password: "" }, secrets: [user] },
    {
      name: "query",
      basePath,
      auth: { type: "query", params: { key1: params[0], key2: params[1] } },
      secrets: params,
    },
    {
      name: "url",
      basePath: inPath,
      auth: { type: "url", token: plainPathToken },
      secrets: [plainPathToken],
    },
    { name: "url-signs", basePath: inPath, auth: { type: "url", token: pathToken }, secrets: [pathToken] },
  ];
}
