import { expect, test } from "vitest";
import { createFence } from "./control-fence.js";

function fence() {
  const steps: string[] = [];
  const made = createFence({
    caughtUp() {
      steps.push("caught up");
      return Promise.resolve();
    },
  });
  const ask = async (path: string, serve: () => void, headers = {}): Promise<string[]> => {
    const around = made.around(() => {
      steps.push("served");
      serve();
      return new Response("ok");
    });
    await around(new Request(`http://localhost${path}`, { headers }));
    return steps.splice(0);
  };
  return { made, ask };
}

const nothing = (): void => undefined;
const TOKEN = { authorization: "Bearer tok_x" };

test("what a request changed holds in the workers before it is answered", async () => {
  const { made, ask } = fence();
  expect(await ask("/services", () => made.told())).toEqual(["served", "caught up"]);
  expect(await ask("/services", nothing)).toEqual(["served"]);
});

test("so it does where serving it fails", async () => {
  const { made } = fence();
  let waited = false;
  const failing = createFence({ caughtUp: () => Promise.resolve(void (waited = true)) });
  const serve = failing.around(() => {
    failing.told();
    throw new Error("no");
  });
  await expect(serve(new Request("http://localhost/services"))).rejects.toThrow("no");
  expect([waited, made === failing]).toEqual([true, false]);
});

test("who may ask what was done hears of all that the workers have done by then", async () => {
  const { ask } = fence();
  for (const path of ["/audit?limit=1", "/metrics", "/tokens", "/health"]) {
    expect(await ask(path, nothing, TOKEN)).toEqual(["caught up", "served"]);
  }
  expect(await ask("/health", nothing)).toEqual(["served"]);
});
