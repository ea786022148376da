/** A service of each kind as a Go client adds it, and the whole of what it is told of it besides the name. */
export const GO_SERVICES: readonly (readonly [type: string, service: object, info: object])[] = [
  [
    "bearer",
    { base_url: "https://api.example.com/v1", auth: { type: "bearer", token: "secret-of-go" } },
    { auth_type: "bearer", base_url: "https://api.example.com/v1" },
  ],
  [
    "basic",
    {
      base_url: "https://api.example.com",
      session_cookies: true,
      auth: { type: "basic", username: "me", password: "secret-of-go" },
    },
    { auth_type: "basic", base_url: "https://api.example.com", session_cookies: true, username: "me" },
  ],
  [
    "url",
    {
      base_url: "https://api.example.com/bot{token}",
      auth: { type: "url", token: "secret-of-go" },
    },
    { auth_type: "url", base_url: "https://api.example.com/bot{token}" },
  ],
  [
    "oauth2_client",
    {
      base_url: "https://api.example.com",
      auth: {
        type: "oauth2_client",
        client_id: "the-client",
        client_secret: "secret-of-go",
        refresh_token: "secret-of-go-too",
        token_url: "https://login.example.com/token",
        scopes: ["read", "write"],
        access_token: "secret-of-go-as-well",
        expires_at: 4_102_444_800,
      },
    },
    {
      auth_type: "oauth2_client",
      base_url: "https://api.example.com",
      scopes: ["read", "write"],
      expires_at: 4_102_444_800,
      token_status: "valid",
    },
  ],
  [
    "ssh_key",
    {
      allow_private: true,
      auth: {
        type: "ssh_key",
        ssh_host: "127.0.0.1",
        ssh_port: 2222,
        ssh_user: "me",
        ssh_password: "secret-of-go",
      },
    },
    {
      auth_type: "ssh_key",
      ssh_host: "127.0.0.1",
      ssh_port: 2222,
      ssh_user: "me",
      ssh_connected: false,
    },
  ],
  [
    "imap",
    {
      allow_private: true,
      auth: {
        type: "imap",
        imap_host: "127.0.0.1",
        imap_port: 143,
        imap_user: "me",
        imap_password: "secret-of-go",
        imap_tls: "starttls",
      },
    },
    {
      auth_type: "imap",
      imap_host: "127.0.0.1",
      imap_port: 143,
      imap_user: "me",
      imap_tls: "starttls",
    },
  ],
  [
    "smtp",
    {
      auth: {
        type: "smtp",
        smtp_host: "mail.example.com",
        smtp_user: "me",
        smtp_password: "secret-of-go",
      },
    },
    {
      auth_type: "smtp",
      smtp_host: "mail.example.com",
      smtp_port: 587,
      smtp_user: "me",
      smtp_tls: "starttls",
    },
  ],
  [
    "redis",
    {
      auth: {
        type: "redis",
        redis_host: "cache.example.com",
        redis_username: "me",
        redis_password: "secret-of-go",
        redis_db: 3,
        redis_tls: true,
      },
    },
    {
      auth_type: "redis",
      redis_host: "cache.example.com",
      redis_port: 6379,
      redis_username: "me",
      redis_db: 3,
      redis_tls: true,
    },
  ],
  [
    "postgres",
    {
      auth: {
        type: "postgres",
        postgres_host: "db.example.com",
        postgres_user: "me",
        postgres_password: "secret-of-go",
        postgres_db: "things",
      },
    },
    {
      auth_type: "postgres",
      postgres_host: "db.example.com",
      postgres_port: 5432,
      postgres_user: "me",
      postgres_db: "things",
      postgres_tls: "require",
    },
  ],
];
