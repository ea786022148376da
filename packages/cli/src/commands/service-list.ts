import type { ServiceInfo } from "@vault-proxy/client";

import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { relativeTime } from "../relative-time.js";
import { serviceAddress } from "../service-address.js";
import { timeText } from "../time-text.js";

/** Title, text, and whether it is shown where every service leaves it empty. */
const COLUMNS: readonly (readonly [string, (service: ServiceInfo) => string, boolean])[] = [
  ["NAME", ({ name }) => name, true],
  ["ADDRESS", serviceAddress, true],
  ["AUTH", ({ auth_type }) => auth_type, true],
  ["STATUS", ({ token_status }) => token_status ?? "", false],
  ["EXPIRES", ({ expires_at }) => expiryText(expires_at), false],
  ["SCOPES", ({ scopes }) => [scopes ?? []].flat().join(" "), false],
];

function expiryText(unixSeconds: number | undefined): string {
  return unixSeconds === undefined ? "" : relativeTime(timeText(unixSeconds), Date.now());
}

export const configureServiceList: ConfigureCommand = (command, perform) => {
  addExamples(command, "% service list", "% service list --json");
  command.action(() =>
    perform(async ({ connect, output }) => {
      const services = await (await connect("token")).listServices();
      if (output.json) output.data(services);
      else if (services.length === 0) output.result("No services configured.");
      else if (output.onTerminal) {
        const columns = COLUMNS.filter(([, cell, isAlways]) => {
          return isAlways || services.some((service) => cell(service) !== "");
        });
        const rows = services.map((service) => columns.map(([, cell]) => cell(service)));
        await output.table(
          columns.map(([title]) => title),
          rows,
        );
      } else {
        for (const service of services) {
          output.result(`  ${service.name.padEnd(20)} ${serviceAddress(service)} (${service.auth_type})`);
        }
      }
      return undefined;
    }),
  );
};
