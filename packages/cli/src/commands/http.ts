import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { addProxyOptions, performProxiedCall, type ProxyFlags } from "../proxied-call.js";

interface HttpOptions extends ProxyFlags {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

export const configureHttp: ConfigureCommand = (command, perform) => {
  command
    .requiredOption("-s, --service <name>", "name of the service")
    .requiredOption("-m, --method <method>", "HTTP method")
    .requiredOption("-p, --path <path>", "path and query, below the service's base URL, percent-encoded")
    .option("-b, --body <body>", "the body; - for standard input, @FILE for a file");
  addProxyOptions(command);
  addExamples(
    command,
    "% http -s openai -m GET -p /v1/models",
    `% http --service openai --method POST --path /v1/embeddings --body '{"input":"hi"}'`,
  );
  command.action((options: HttpOptions) =>
    perform((context) => performProxiedCall(context, { ...options, body: options.body, flags: options })),
  );
};
