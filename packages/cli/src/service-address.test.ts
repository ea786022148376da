import type { ServiceInfo } from "@vault-proxy/client";
import { expect, test } from "vitest";

import { serviceAddress } from "./service-address.js";

test.each([
  [{ auth_type: "bearer", base_url: "https://api.example" }, "https://api.example"],
  [{ auth_type: "imap", imap_host: "imap.example.com", imap_port: 993 }, "imap.example.com:993"],
  [{ auth_type: "redis", redis_host: "fd00::1", redis_port: 6379 }, "[fd00::1]:6379"],
  [{ auth_type: "redis", redis_host: 5, redis_port: "x" }, ""],
  [{ auth_type: "ssh" }, ""],
])("of %j is shown as %j", (service, address) => {
  expect(serviceAddress({ name: "x", ...service } as unknown as ServiceInfo)).toBe(address);
});
