import { expect, test } from "vitest";

import { connect, listServices, proxy, sshSessionURL } from "./functions.js";
import { serve } from "./testing/client-fixture.js";
import { json } from "./testing/recording-server.js";

test("functions take a connection, whose token may change", async () => {
  const server = await serve((_, response) => json(response, 200, []));
  let token = "tok_first";
  const vault = connect({ addr: server.addr, token: () => token });
  await listServices(vault);
  token = "tok_second";
  await (await proxy(vault, "api", "GET", "/v1/models")).text();
  expect(server.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
    ["/services", "Bearer tok_first"],
    ["/proxy/api/v1/models", "Bearer tok_second"],
  ]);
  expect(sshSessionURL(connect({ addr: "https://vault.example" }), "box")).toBe(
    "wss://vault.example/ssh/box/session",
  );
  vault.close();
});
