import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A request to a provider's endpoint: path, and the form or JSON that it brought. */
export interface ProviderRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface ProviderAnswer {
  readonly status?: number;
  readonly body: unknown;
  /** Answered when this resolves. */
  readonly after?: Promise<unknown>;
}

/** An OAuth2 provider on loopback whose endpoints answer what a test says. */
export interface ScriptedProvider {
  readonly origin: string;
  /** What came, in order. */
  readonly requests: ProviderRequest[];
  /** The next answers; the last one goes on. */
  answer(...answers: readonly ProviderAnswer[]): void;
  close(): Promise<void>;
}

export async function startScriptedProvider(): Promise<ScriptedProvider> {
  const requests: ProviderRequest[] = [];
  let answers: ProviderAnswer[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const text = await readText(request);
      const contentType = request.headers["content-type"];
      requests.push({
        path: request.url ?? "",
        authorization: request.headers.authorization,
        contentType,
        parameters: contentType?.startsWith("application/json")
          ? (JSON.parse(text) as Record<string, string>)
          : Object.fromEntries(new URLSearchParams(text)),
      });
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500, body: {} };
      await answer.after;
      response.writeHead(answer.status ?? 200, { "Content-Type": "application/json" });
      response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (...given) => void (answers = [...given]),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
  return text;
}
