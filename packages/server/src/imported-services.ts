import { importGoService, legalServiceName } from "./auth-strategies/go-service.js";
import { obstaclesOf } from "./auth-strategies/imported-service.js";
import type { ServiceRecord } from "./auth-strategies/service-definition.js";
import type { Logger } from "./redaction/logger.js";

/** Tells which services of a Go server's vault need an admin before they can be used. */
export function importService(
  goName: string,
  json: object,
  log: Logger,
): { name: string; record: ServiceRecord } {
  const record = importGoService(legalServiceName(goName), json);
  const { name } = record;
  if (name !== goName)
    log.warn({ service: name, was: goName }, "a service was taken over under a legal name");
  const fields = obstaclesOf(record);
  if (fields.length > 0)
    log.warn(
      { service: name, fields: fields.join(", ") },
      "a service was taken over, but cannot be used yet",
    );
  return { name, record };
}
