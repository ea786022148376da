/**
 * What a program does with the installed client, on whatever runtime. Run as a program it takes its vault from the
 * environment and prints the result; bundled for a worker, `useVault` is called.
 */
import { NewWithToken, VaultError } from "@vault-proxy/client";

/**
 * @param {string} addr
 * @param {string} token of an admin
 */
export async function useVault(addr, token) {
  const client = NewWithToken(addr, token);
  const answer = await client.proxy("echo", "POST", "/v1/things?x=%2F", { text: "Grüße" });
  const streamed = [];
  for await (const chunk of client.proxyStream("echo", "GET", "/stream")) streamed.push(chunk);
  const gone = new AbortController();
  const hanging = client
    .proxy("echo", "GET", "/hang", undefined, { signal: gone.signal })
    .catch((/** @type {unknown} */ error) => String(error));
  setTimeout(() => gone.abort(new Error("enough")), 100);
  await client.uploadFile("a.bin", new Uint8Array([0, 255, 10]));
  return {
    health: await client.health(),
    services: (await client.listServices()).map(({ name }) => name),
    answer: [answer.status, await answer.json()],
    streamed: await new Blob(streamed).text(),
    hanging: await hanging,
    unknown: await client
      .proxy("nothing", "GET", "/")
      .catch((/** @type {unknown} */ error) => error instanceof VaultError && [error.status, error.code]),
    file: [...(await client.getFile("a.bin"))],
    path: await client.uploadFile("b.txt", "b.txt").then(
      ({ size }) => size,
      (/** @type {VaultError} */ error) => error.code,
    ),
    openai: (await client.openaiOptions("echo")).baseURL.slice(addr.length),
  };
}

if (typeof process !== "undefined" && process.env.CLIENT_PROGRAM === "run") {
  const { VAULT_ADDR = "", VAULT_TOKEN = "" } = process.env;
  void useVault(VAULT_ADDR, VAULT_TOKEN).then((result) => console.log(JSON.stringify(result)));
}
