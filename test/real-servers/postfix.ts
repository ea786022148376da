import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "../live/processes.js";
import { makeServerCertificates, type CertificateOptions } from "./certificates.js";
import { startDovecot, type RunningDovecot, type SaslMechanism } from "./dovecot.js";
import { areListening, freePorts } from "./loopback-ports.js";
import { readMailSink, type DeliveredMessage } from "./mail-sink.js";
import { startServerProcess, type ServerProcess, type UnixUser } from "./server-process.js";
import { isRoot, unixUser } from "./unix-user.js";

/** What Postfix says after SIZE. */
export const POSTFIX_SIZE_LIMIT = 30 * 1024 * 1024;

/** Answered with 554 after RCPT; every other address is taken. */
export const REFUSED_RECIPIENT = "refused@mail.test";

/** The daemon itself: postfix(1) would first look at all of the installation for seconds, and stay its parent. */
const MASTER = "/usr/lib/postfix/sbin/master";

/** Folders of the queue that postfix(1) would make. */
const QUEUES = [
  "active",
  "bounce",
  "corrupt",
  "defer",
  "deferred",
  "flush",
  "hold",
  "incoming",
  "maildrop",
].concat(["private", "public", "saved", "trace"]);

export interface RunningPostfix {
  /** TLS from the first byte. */
  readonly tlsPort: number;
  /** Takes no mail and offers no AUTH before STARTTLS. */
  readonly starttlsPort: number;
  /** Offers AUTH without TLS, and no STARTTLS. */
  readonly plaintextPort: number;
  /** Offers neither AUTH nor STARTTLS, and takes mail from everybody. */
  readonly openPort: number;
  readonly pid: number;
  readonly ca: string;
  readonly caPath: string;
  readonly log: () => string;
  /** The access tokens that XOAUTH2 and OAUTHBEARER take, each with its user: none at first. */
  readonly tokens: Map<string, string>;
  /** Waits until so many messages for a recipient have been delivered, and gives them in order of arrival. */
  messagesTo(recipient: string, count?: number): Promise<DeliveredMessage[]>;
  /** `SIGKILL` is a crash. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface PostfixOptions {
  readonly certificate?: CertificateOptions;
  /** Those offered; all by default. */
  readonly mechanisms?: readonly SaslMechanism[];
  /** More of main.cf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * A submission server on four ports of 127.0.0.1 that takes mail from whoever logs in as one of mail-users.ts, and
 * delivers all of it into one folder, whatever its domain. Needs root.
 */
export async function startPostfix(options: PostfixOptions = {}): Promise<RunningPostfix> {
  if (!isRoot()) throw new Error("postfix changes its user: this needs root");
  const directory = await temporaryDirectory();
  const path = (name: string): string => join(directory.path, name);
  const certificates = await makeServerCertificates(options.certificate);
  let passwords: RunningDovecot | undefined;
  let server: ServerProcess | undefined;
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    await server?.stop(signal);
    await passwords?.stop("SIGKILL");
    await certificates.remove();
    await directory.remove();
  };

  try {
    // Nobody speaks TLS with it: the key that is made soonest will do.
    passwords = await startDovecot({
      certificate: { key: "ecdsa" },
      ...(options.mechanisms === undefined ? {} : { mechanisms: options.mechanisms }),
    });
    const [tlsPort, starttlsPort, plaintextPort, openPort] = await freePorts(4);
    if (
      tlsPort === undefined ||
      starttlsPort === undefined ||
      plaintextPort === undefined ||
      openPort === undefined
    ) {
      throw new Error("no ports");
    }
    const owner = unixUser("postfix");
    const reader = unixUser("nobody");
    await chmod(directory.path, 0o711);
    for (const name of ["config", "queue", "queue/pid"]) await mkdir(path(name));
    await Promise.all(QUEUES.map((name) => makeFolder(path(`queue/${name}`), owner)));
    await makeFolder(path("state"), owner);
    await makeFolder(path("delivered"), reader);
    await writeFile(path("server.pem"), certificates.key + certificates.cert, { mode: 0o600 });
    await writeFile(
      path("config/main.cf"),
      mainConfiguration({
        queue_directory: path("queue"),
        data_directory: path("state"),
        smtpd_tls_chain_files: path("server.pem"),
        smtpd_sasl_path: passwords.saslSocket,
        virtual_mailbox_base: directory.path,
        virtual_uid_maps: `static:${reader.uid}`,
        virtual_gid_maps: `static:${reader.gid}`,
        ...options.settings,
      }),
    );
    await writeFile(path("config/master.cf"), services({ tlsPort, starttlsPort, plaintextPort, openPort }));
    const started = await startServerProcess({
      command: MASTER,
      args: ["-s", "-c", path("config")],
      cwd: directory.path,
      isReady: () => areListening([tlsPort, starttlsPort, plaintextPort, openPort]),
    });
    server = started;

    return {
      tlsPort,
      starttlsPort,
      plaintextPort,
      openPort,
      pid: started.pid,
      ca: certificates.ca,
      caPath: certificates.caPath,
      log: started.log,
      tokens: passwords.tokens,
      messagesTo: (recipient, count = 1) => readMailSink(path("delivered/new"), recipient, count),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeFolder(folder: string, owner: UnixUser): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await chown(folder, owner.uid, owner.gid);
}

/** main.cf: postconf(5). It never looks a name up, and has no way to send anything elsewhere. */
function mainConfiguration(settings: Readonly<Record<string, string>>): string {
  const all = {
    compatibility_level: "3.6",
    maillog_file: "/dev/stdout",
    myhostname: "mail.test",
    mydestination: "",
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    smtpd_peername_lookup: "no",
    disable_dns_lookups: "yes",
    default_transport: "error:nothing leaves this machine",
    relay_transport: "error:nothing leaves this machine",
    // Every domain is its own, and every address of it the same folder.
    virtual_mailbox_domains: "static:all",
    virtual_mailbox_maps: "static:delivered/",
    alias_maps: "",
    local_recipient_maps: "",
    // Messages stay as they came.
    local_header_rewrite_clients: "",
    append_at_myorigin: "yes",
    append_dot_mydomain: "no",
    message_size_limit: String(POSTFIX_SIZE_LIMIT),
    virtual_mailbox_limit: "0",
    queue_minfree: "0",
    smtputf8_enable: "yes",
    smtpd_sasl_type: "dovecot",
    smtpd_sasl_auth_enable: "yes",
    smtpd_sasl_security_options: "noanonymous",
    // The Received line tells who had logged in.
    smtpd_sasl_authenticated_header: "yes",
    smtpd_tls_mandatory_protocols: ">=TLSv1.2",
    smtpd_tls_received_header: "yes",
    smtpd_relay_restrictions: "permit_sasl_authenticated, reject",
    smtpd_recipient_restrictions: `check_recipient_access inline:{{${REFUSED_RECIPIENT} = REJECT}}, permit`,
    // A test does in seconds what would be suspicious from a stranger.
    in_flow_delay: "0",
    smtpd_error_sleep_time: "0",
    smtpd_client_connection_count_limit: "0",
    default_process_limit: "200",
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join("");
}

interface Ports {
  readonly tlsPort: number;
  readonly starttlsPort: number;
  readonly plaintextPort: number;
  readonly openPort: number;
}

/** master.cf: master(5). Nothing in a chroot: it would miss the socket and the certificate. */
function services(ports: Ports): string {
  return `
127.0.0.1:${ports.tlsPort} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
127.0.0.1:${ports.starttlsPort} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
127.0.0.1:${ports.plaintextPort} inet n - n - - smtpd -o smtpd_tls_security_level=none
127.0.0.1:${ports.openPort} inet n - n - - smtpd
  -o smtpd_tls_security_level=none -o smtpd_sasl_auth_enable=no -o smtpd_relay_restrictions=reject_unauth_destination
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`;
}
