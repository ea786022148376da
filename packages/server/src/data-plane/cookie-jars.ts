import { differsInTokenOnly, isSameCredential } from "../auth-strategies/same-credential.js";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { allowsInsecure } from "../auth-strategies/service-destination.js";
import { parseBaseUrl } from "../network/base-url.js";
import { CookieJar } from "./cookie-jar.js";

/** The jars of all services that keep session cookies, one each. They live until the vault is locked. */
export interface CookieJars {
  /** The service's jar, made if there is none. All its tokens share it. */
  of(record: ServiceRecord): CookieJar;
  /** Drops the jars of services that are gone, keep no cookies any more, or have another destination or credential. */
  update(services: ReadonlyMap<string, ServiceRecord>): void;
  /** The vault was locked. */
  clear(): void;
}

interface JarOfService {
  readonly record: ServiceRecord;
  readonly jar: CookieJar;
}

/** @param clock Unix milliseconds */
export function createCookieJars(clock: () => number): CookieJars {
  const jars = new Map<string, JarOfService>();

  return {
    of(record) {
      const known = jars.get(record.name);
      if (known !== undefined && belongTogether(known.record, record)) return known.jar;
      known?.jar.close();
      const jar = createJar(record, clock);
      jars.set(record.name, { record, jar });
      return jar;
    },
    update(services) {
      for (const [name, { record, jar }] of jars) {
        const now = services.get(name);
        if (now !== undefined && belongTogether(record, now)) {
          jars.set(name, { record: now, jar });
        } else {
          jar.close();
          jars.delete(name);
        }
      }
    },
    clear() {
      for (const { jar } of jars.values()) jar.close();
      jars.clear();
    },
  };
}

function createJar(record: ServiceRecord, clock: () => number): CookieJar {
  const base = parseBaseUrl(record.base_url, { allowInsecure: allowsInsecure(record) });
  return new CookieJar({ host: base.hostname, isSecure: base.protocol === "https:" }, clock);
}

/** Whether a session that was begun with the one can go on with the other. */
function belongTogether(a: ServiceRecord, b: ServiceRecord): boolean {
  if (a === b) return true;
  if (!b.session_cookies || a.base_url !== b.base_url) return false;
  return isSameCredential(a, b) || differsInTokenOnly(a, b);
}
