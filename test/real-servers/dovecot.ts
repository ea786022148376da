import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "../live/processes.js";
import { makeServerCertificates, type CertificateOptions } from "./certificates.js";
import { areListening, freePorts } from "./loopback-ports.js";
import { MAIL_PASSWORDS } from "./mail-users.js";
import { startServerProcess, type ServerProcess } from "./server-process.js";
import { startTokenIntrospection, type TokenIntrospection } from "./token-introspection.js";
import { isRoot, unixUser } from "./unix-user.js";

/** Whose the mail is. Dovecot refuses its own users and root for that. */
const MAIL_OWNER = "nobody";

/** As in `auth_mechanisms`. */
export type SaslMechanism = "plain" | "login" | "cram-md5" | "xoauth2" | "oauthbearer";

const MECHANISMS: readonly SaslMechanism[] = ["plain", "login", "cram-md5", "xoauth2", "oauthbearer"];

/**
 * Dovecot takes a connection for secure that comes from the address it goes to, and lets it log in without TLS. One to
 * this address comes from 127.0.0.1: there, TLS is required before anything else.
 */
export const STARTTLS_HOST = "127.0.0.2";

export interface RunningDovecot {
  /** On 127.0.0.1, TLS from the first byte. */
  readonly tlsPort: number;
  /** On {@link STARTTLS_HOST}, says LOGINDISABLED until STARTTLS. */
  readonly starttlsPort: number;
  /** On 127.0.0.1, takes logins without TLS; offers STARTTLS too. */
  readonly plaintextPort: number;
  readonly pid: number;
  readonly ca: string;
  readonly caPath: string;
  readonly log: () => string;
  /** The access tokens that XOAUTH2 and OAUTHBEARER take, each with its user: none at first. */
  readonly tokens: Map<string, string>;
  /** Where a user's messages are, as a Maildir. */
  maildir(user: string): string;
  /** A Unix socket where Postfix has passwords checked. */
  readonly saslSocket: string;
  /** `SIGKILL` is a crash. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface DovecotOptions {
  readonly certificate?: CertificateOptions;
  /** Default: all. */
  readonly mechanisms?: readonly SaslMechanism[];
}

/** An IMAP server with TLS, STARTTLS and plaintext listeners and the users of mail-users.ts. Needs root. */
export async function startDovecot(options: DovecotOptions = {}): Promise<RunningDovecot> {
  if (!isRoot()) throw new Error("dovecot changes its user: this needs root");
  const directory = await temporaryDirectory();
  const path = (name: string): string => join(directory.path, name);
  const certificates = await makeServerCertificates(options.certificate);
  let server: ServerProcess | undefined;
  let introspection: TokenIntrospection | undefined;
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    await server?.stop(signal);
    await introspection?.close();
    await certificates.remove();
    await directory.remove();
  };

  try {
    introspection = await startTokenIntrospection();
    const [tlsPort, starttlsPort, plaintextPort] = await freePorts(3);
    if (tlsPort === undefined || starttlsPort === undefined || plaintextPort === undefined) {
      throw new Error("no ports");
    }
    // Its processes are several users'; what they may see inside, the modes there say.
    await chmod(directory.path, 0o711);
    await mkdir(path("mail"), { mode: 0o777 });
    await chmod(path("mail"), 0o777);
    await writeFile(path("server.pem"), certificates.cert);
    await writeFile(path("server.key"), certificates.key, { mode: 0o600 });
    await writeFile(path("users"), passwordFile());
    await writeFile(path("oauth2.conf"), oauth2Configuration(introspection.url));
    await writeFile(
      path("dovecot.conf"),
      configuration(path, {
        tlsPort,
        starttlsPort,
        plaintextPort,
        mechanisms: options.mechanisms ?? MECHANISMS,
      }),
    );
    const started = await startServerProcess({
      command: "/usr/sbin/dovecot",
      args: ["-F", "-c", path("dovecot.conf")],
      cwd: directory.path,
      isReady: async () =>
        (await areListening([tlsPort, plaintextPort])) && areListening([starttlsPort], STARTTLS_HOST),
    });
    server = started;

    return {
      tlsPort,
      starttlsPort,
      plaintextPort,
      pid: started.pid,
      ca: certificates.ca,
      caPath: certificates.caPath,
      log: started.log,
      tokens: introspection.tokens,
      maildir: (user) => join(directory.path, "mail", user, "Maildir"),
      saslSocket: path("run/sasl"),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Listeners {
  readonly tlsPort: number;
  readonly starttlsPort: number;
  readonly plaintextPort: number;
  readonly mechanisms: readonly SaslMechanism[];
}

/** dovecot.conf of Dovecot 2.3, which finds nothing outside of its folder. */
function configuration(path: (name: string) => string, listeners: Listeners): string {
  const owner = unixUser(MAIL_OWNER);
  return `
base_dir = ${path("run")}
state_dir = ${path("state")}
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1

ssl = required
ssl_cert = <${path("server.pem")}
ssl_key = <${path("server.key")}
ssl_min_protocol = TLSv1.2

# Processes that serve many connections, one after the other, start faster than one for each.
service imap-login {
  service_count = 0
  inet_listener imap {
    port = ${listeners.plaintextPort}
  }
  inet_listener imaps {
    port = ${listeners.tlsPort}
    ssl = yes
  }
  inet_listener starttls {
    address = ${STARTTLS_HOST}
    port = ${listeners.starttlsPort}
  }
}
service imap {
  service_count = 0
}
service auth {
  unix_listener sasl {
    mode = 0666
  }
}
# Otherwise it makes an address with wrong passwords wait, and all tests share one.
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}

auth_mechanisms = ${listeners.mechanisms.join(" ")}
passdb {
  driver = passwd-file
  args = username_format=%u ${path("users")}
  mechanisms = plain login cram-md5
}
passdb {
  driver = oauth2
  args = ${path("oauth2.conf")}
  mechanisms = xoauth2 oauthbearer
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${path("mail")}/%u allow_all_users=yes
}

mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 200
namespace inbox {
  inbox = yes
  mailbox Sent {
    auto = create
    special_use = \\Sent
  }
}
`;
}

/** passwd-file; in Base64, since a colon would end a password. */
function passwordFile(): string {
  return Object.entries(MAIL_PASSWORDS)
    .map(([user, password]) => `${user}:{PLAIN.b64}${Buffer.from(password).toString("base64")}\n`)
    .join("");
}

function oauth2Configuration(url: string): string {
  return `
introspection_mode = post
introspection_url = ${url}
username_attribute = username
active_attribute = active
active_value = true
`;
}
