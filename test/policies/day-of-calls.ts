import { Agent, request } from "node:http";
import type { Action } from "../../packages/server/src/policies/action.js";

interface Body {
  readonly type: string;
  readonly text: string;
}

const json = (value: object): Body => ({ type: "application/json", text: JSON.stringify(value) });

function uploadOf(remotePath: string | undefined): Body {
  const part = (disposition: string, value: string): string =>
    `--part\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;
  return {
    type: "multipart/form-data; boundary=part",
    text: `${part('name="remote_path"', remotePath ?? "")}${part('name="file"; filename="f"', "new")}--part--\r\n`,
  };
}

/** Calls that are under way at a time. */
const PARALLEL = 16;

/**
 * Does at a vault-server all that is in the list, in about its order.
 * @param address `http://…`
 * @returns how often each status was answered
 */
export async function doAll(
  address: string,
  token: string,
  actions: readonly Action[],
): Promise<ReadonlyMap<number, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL });
  const statuses = new Map<number, number>();
  const send = (method: string, path: string, body?: Body): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(address);
      const headers = {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": body.type }),
      };
      const call = request({ host: hostname, port, method, path, headers, agent }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      });
      call.on("error", reject);
      call.end(body?.text);
    });
  const perform = async (action: Action): Promise<number> => {
    const { service } = action;
    switch (action.kind) {
      case "http":
        return (await send(action.method, `/proxy/${service}${action.rawPath}`)).status;
      case "session": {
        const { status, text } = await send("POST", `/${action.protocol}/${service}/session`, json({}));
        if (status === 200) await send("DELETE", `/sessions/${(JSON.parse(text) as { id: string }).id}`);
        return status;
      }
      case "ssh": {
        const { action: what, command, remotePath } = action;
        const body = what === "upload" ? uploadOf(remotePath) : json({ command, remote_path: remotePath });
        return (await send("POST", `/ssh/${service}/${what}`, body)).status;
      }
    }
  };
  let next = 0;
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (let action = actions[next]; action !== undefined; action = actions[next]) {
        next += 1;
        const status = await perform(action);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }),
  );
  agent.destroy();
  return statuses;
}
