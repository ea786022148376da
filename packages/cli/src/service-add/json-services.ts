import type { ServiceDefinition } from "@vault-proxy/client";

import { UsageError } from "../failures.js";
import type { GivenService } from "./given-service.js";

const SHAPE = 'write {"name": …, "base_url": …, "auth": {"type": …}}, or several in [ ]';

/**
 * One service or several, as JSON. Only what tells one from another is looked at here: the server checks the fields,
 * and names the one that is wrong.
 * @param source what to call the text in messages: a parser's own message would repeat a piece of a secret
 */
export function jsonServices(json: string, source: string): readonly GivenService[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new UsageError(`${source} is not valid JSON`);
  }
  const isList = Array.isArray(value);
  const services: readonly unknown[] = isList ? (value as unknown[]) : [value];
  if (services.length === 0) throw new UsageError(`${source} holds no service`, SHAPE);
  const names = new Set<string>();
  for (const [index, service] of services.entries()) {
    const where = isList ? `${source}, service ${index + 1}` : source;
    assertService(service, where);
    if (names.has(service.name))
      throw new UsageError(`${where}: the name ${service.name} stands there twice`);
    names.add(service.name);
  }
  return (services as readonly ServiceDefinition[]).map((definition) => ({ definition }));
}

function assertService(value: unknown, where: string): asserts value is { readonly name: string } {
  if (!isMap(value)) throw new UsageError(`${where} holds no service`, SHAPE);
  if (typeof value.name !== "string") throw new UsageError(`${where}: name: missing, or no text`, SHAPE);
  if (!isMap(value.auth)) throw new UsageError(`${where}: auth: missing, or no object`, SHAPE);
  if (typeof value.auth.type !== "string") throw new UsageError(`${where}: auth.type: missing, or no text`);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
