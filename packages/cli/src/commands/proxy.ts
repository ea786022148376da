import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { addProxyOptions, performProxiedCall, type ProxyFlags } from "../proxied-call.js";

export const configureProxy: ConfigureCommand = (command, perform) => {
  command
    .argument("<service>", "name of the service")
    .argument("<method>", "HTTP method")
    .argument("<path>", "path and query, below the service's base URL, percent-encoded")
    .argument("[body]", "the body; - for standard input, @FILE for a file");
  addProxyOptions(command);
  addExamples(
    command,
    "% proxy openai GET /v1/models",
    `% proxy openai POST /v1/chat/completions '{"model":"gpt-4o-mini","messages":[]}'`,
    "% proxy github POST /repos/acme/app/issues - < issue.json",
    "% proxy photos PUT /2026/photo.png @photo.png -H 'content-type: image/png'",
  );
  command.action(
    (service: string, method: string, path: string, body: string | undefined, flags: ProxyFlags) =>
      perform((context) => performProxiedCall(context, { service, method, path, body, flags })),
  );
};
