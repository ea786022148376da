import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority {
  /** PEM of the self-signed root. */
  readonly ca: string;
  /** @param subjectAltName as OpenSSL writes it, such as `DNS:localhost,IP:127.0.0.1` */
  issue(subjectAltName: string, options?: { readonly expired?: boolean }): TestCertificate;
  /** Removes the temporary directory. */
  close(): void;
}

/** A certificate authority of the `openssl` command in a temporary directory, for servers on loopback. */
export function createTestAuthority(): TestAuthority {
  const directory = mkdtempSync(join(tmpdir(), "test-authority-"));
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
  };
  const read = (name: string): string => readFileSync(join(directory, name), "latin1");
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-subj",
    "/CN=Test root",
    "-days",
    "2",
  );

  return {
    ca: read("ca.pem"),
    issue(subjectAltName, options = {}) {
      writeFileSync(join(directory, "leaf.ext"), `subjectAltName=${subjectAltName}\n`);
      openssl("req", ...newKey, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=Test leaf");
      const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "leaf.ext"];
      const days = options.expired === true ? "-1" : "2";
      openssl("x509", "-req", "-in", "leaf.csr", ...issuer, "-days", days, "-out", "leaf.pem");
      return { cert: read("leaf.pem"), key: read("leaf.key") };
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}
