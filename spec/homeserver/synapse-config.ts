import { randomBytes } from "node:crypto";

/** Where a server listens, and whom it federates with. */
export interface SynapseOptions {
  /** The folder of its data, as Synapse sees it. */
  readonly folder: string;
  readonly clientPort: number;
  readonly federationPort: number;
  /** The names of all servers, its own included. */
  readonly serverNames: readonly string[];
  /** How long an access token that can be refreshed lives, in seconds. */
  readonly tokenLifetime: number;
}

/** The name of a server on this machine. An address needs no name resolution. */
export const serverNameOf = (federationPort: number): string => `127.0.0.1:${federationPort}`;

const UNLIMITED = { per_second: 1_000_000, burst_count: 1_000_000 };

/** A configuration for the loopback interface: no rate limits, and nothing that needs another network. */
export function synapseConfig(options: SynapseOptions): object {
  const { folder, clientPort, federationPort, serverNames, tokenLifetime } = options;
  return {
    server_name: serverNameOf(federationPort),
    public_baseurl: `http://127.0.0.1:${clientPort}/`,
    report_stats: false,
    signing_key_path: `${folder}/signing.key`,
    media_store_path: `${folder}/media`,
    log_config: `${folder}/log.json`,
    macaroon_secret_key: randomBytes(16).toString("hex"),
    database: { name: "sqlite3", args: { database: `${folder}/homeserver.db` } },
    listeners: [
      { port: clientPort, type: "http", bind_addresses: ["127.0.0.1"], resources: [{ names: ["client"] }] },
      {
        port: federationPort,
        type: "http",
        tls: true,
        bind_addresses: ["127.0.0.1"],
        resources: [{ names: ["federation"] }],
      },
    ],
    tls_certificate_path: `${folder}/tls.crt`,
    tls_private_key_path: `${folder}/tls.key`,
    enable_registration: true,
    enable_registration_without_verification: true,
    refreshable_access_token_lifetime: `${tokenLifetime}s`,
    bcrypt_rounds: 4,

    // The other server's certificate is its own work, and its address one that is usually forbidden.
    federation_verify_certificates: false,
    federation_domain_whitelist: serverNames,
    ip_range_blacklist: [],
    trusted_key_servers: [],
    // A server that is down must not be avoided for long once it is back.
    federation: {
      client_timeout: "5s",
      max_short_retries: 0,
      max_long_retries: 0,
      destination_min_retry_interval: "1s",
      destination_max_retry_interval: "1s",
    },

    rc_message: UNLIMITED,
    rc_registration: UNLIMITED,
    rc_login: { address: UNLIMITED, account: UNLIMITED, failed_attempts: UNLIMITED },
    rc_joins: { local: UNLIMITED, remote: UNLIMITED },
    rc_joins_per_room: UNLIMITED,
  };
}

/** A signing key in Synapse's format: the algorithm, an ID, and 32 bytes in unpadded base64. */
export const signingKey = (): string => `ed25519 a_spec ${randomBytes(32).toString("base64").replace(/=+$/u, "")}\n`;

/** Warnings go to a file. */
export const logConfig = (folder: string): object => ({
  version: 1,
  formatters: { line: { format: "%(asctime)s %(levelname)s %(name)s %(message)s" } },
  handlers: { file: { class: "logging.FileHandler", formatter: "line", filename: `${folder}/homeserver.log` } },
  root: { level: "WARNING", handlers: ["file"] },
  disable_existing_loggers: false,
});
