import type { PolicyRule } from "../policy-schema.js";

export interface DecisionCase {
  readonly title: string;
  readonly rules: readonly PolicyRule[];
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

/** Actions as `actionOf` reads them. */
export const DECISION_CASES: readonly DecisionCase[] = [
  {
    title: "no rule",
    rules: [],
    allowed: [],
    denied: [
      "GET github /",
      "session app-db",
      "exec prod ls",
      "upload prod /a",
      "download prod /a",
      "shell prod",
    ],
  },
  {
    title: "every service",
    rules: [{ service: "*" }],
    allowed: [
      ...[
        "GET github /",
        "POST stripe /v1/charges",
        "PURGE x /a",
        "session app-db",
        "exec prod rm -rf /; ls",
      ],
      ...["upload prod /a", "download prod /etc/x", "shell prod", "GET github /a%2Fb", "GET github //a/../b"],
    ],
    denied: [],
  },
  {
    title: "one service",
    rules: [{ service: "github" }],
    allowed: ["GET github /", "DELETE github /repos/a/b", "session github", "exec github ls", "shell github"],
    denied: ["GET github2 /", "GET Github /", "GET gith /", "GET stripe /", "session app-db", "exec prod ls"],
  },
  {
    title: "a list of services",
    rules: [{ service: ["github", "stripe"], methods: ["GET"] }],
    allowed: ["GET github /", "GET stripe /v1/charges"],
    denied: ["POST github /", "GET gitlab /", "session github", "exec stripe ls", "shell stripe", "GET * /"],
  },
  {
    title: "methods",
    rules: [{ service: "github", methods: ["GET", "HEAD"] }],
    allowed: ["GET github /", "HEAD github /a/b", "GET github ", "GET github /a//b", "GET github /caf%C3%A9"],
    denied: [
      "POST github /",
      "get github /",
      "GETX github /",
      "OPTIONS github /",
      "CONNECT github /",
      "session github",
    ],
  },
  {
    title: "literal paths",
    rules: [{ service: "github", paths: ["/user", "/user/repos", "/"] }],
    allowed: ["GET github /user", "PUT github /user/repos", "GET github /", "GET github "],
    denied: [
      ...[
        "GET github /user/",
        "GET github /users",
        "GET github /USER",
        "GET github /user/repos/",
        "GET github /use",
      ],
      ...["GET github //user", "GET github /user//repos", "GET github /./user", "GET github /x/../user"],
      ...[
        "GET github /%75ser",
        "GET github /user%2Frepos",
        "GET github /user%2frepos",
        "GET github /user;a=b",
      ],
      ...[
        "GET github /user%00",
        "GET github /user%20",
        "GET github /user?x",
        "GET github /user#x",
        "GET github user",
      ],
      ...["session github", "exec github ls", "shell github"],
    ],
  },
  {
    title: "a wildcard for one segment",
    rules: [{ service: "github", methods: ["GET"], paths: ["/repos/acme/*/issues"] }],
    allowed: [
      ...["GET github /repos/acme/app/issues", "GET github /repos/acme/a.b-c_d~e/issues"],
      ...["GET github /repos/acme/caf%C3%A9/issues", "GET github /repos/acme/%61pp/issues"],
      ...[
        "GET github /repos/acme/..a/issues",
        "GET github /repos/acme/a%20b/issues",
        "GET github /repos/acme/50%25/issues",
      ],
    ],
    denied: [
      ...[
        "GET github /repos/acme/issues",
        "GET github /repos/acme//issues",
        "GET github /repos/acme/a/b/issues",
      ],
      ...[
        "GET github /repos/acme/../issues",
        "GET github /repos/acme/%2e%2e/issues",
        "GET github /repos/acme/./issues",
      ],
      ...[
        "GET github /repos/acme/%2E%2e/issues",
        "GET github /repos/acme/.%2e/issues",
        "GET github /repos/acme/.../issues",
      ],
      ...[
        "GET github /repos/acme/a%2Fb/issues",
        "GET github /repos/acme/a%252Fb/issues",
        "GET github /repos/acme/a%5Cb/issues",
      ],
      ...["GET github /repos/acme/%252e%252e/issues", "GET github /repos/acme/%c0%ae%c0%ae/issues"],
      ...[
        "GET github /repos/acme/..;/issues",
        "GET github /repos/acme/..%3B/issues",
        "GET github /repos/acme/..%00/issues",
      ],
      ...[
        "GET github /repos/acme/a%3Fb/issues",
        "GET github /repos/acme/a%23/issues",
        "GET github /repos/acme/a%/issues",
      ],
      ...[
        "GET github /repos/acme/app/issues/",
        "GET github /repos/acme/app/issues/1",
        "GET github /repos/acme/app/Issues",
      ],
      ...["GET github /repos/acme/app/issues%2F..%2F..%2Fadmin", "GET github /repos/acme/app/issue%73"],
      ...[
        "POST github /repos/acme/app/issues",
        "GET gitlab /repos/acme/app/issues",
        "GET github /repos/evil/app/issues",
      ],
      ...["GET github /repos/acme/%EF%BC%8E%EF%BC%8E/issues", "GET github /repos/acme/a%EF%BC%8Fb/issues"],
      ...[
        "GET github /repos/acme/%FF/issues",
        "GET github /repos/acme/%0d%0a/issues",
        "GET github /repos/acme/a b/issues",
      ],
    ],
  },
  {
    title: "wildcards within a segment",
    rules: [{ service: "s3", paths: ["/bucket/log-*.txt", "/*-public/*"] }],
    allowed: [
      "GET s3 /bucket/log-.txt",
      "GET s3 /bucket/log-2026.txt",
      "GET s3 /a-public/x",
      "GET s3 /-public/y",
    ],
    denied: [
      ...[
        "GET s3 /bucket/log-1.txt.exe",
        "GET s3 /bucket/log-a/b.txt",
        "GET s3 /bucket/xlog-1.txt",
        "GET s3 /a-public",
      ],
      ...[
        "GET s3 /a-public/",
        "GET s3 /a-public/x/y",
        "GET s3 /bucket/log-a%2Fb.txt",
        "GET s3 /bucket/log-",
        "GET s3 /bucket",
      ],
    ],
  },
  {
    title: "a wildcard across segments",
    rules: [{ service: "github", paths: ["/repos/acme/**", "/**/public", "/a/**/z"] }],
    allowed: [
      ...[
        "GET github /repos/acme",
        "GET github /repos/acme/",
        "GET github /repos/acme/a",
        "GET github /repos/acme/a/b/c",
      ],
      ...[
        "GET github /public",
        "GET github /x/public",
        "GET github /x/y/public",
        "GET github /a/z",
        "GET github /a/b/c/z",
      ],
      ...["PATCH github /repos/acme/a/b.git", "GET github /a/z/z", "GET github /repos/acme/%E6%97%A5/b/"],
    ],
    denied: [
      ...["GET github /repos/acme2", "GET github /repos", "GET github /repos/", "GET github /repos/acme//a"],
      ...[
        "GET github /repos/acme/../evil/app",
        "GET github /repos/acme/a/../../evil",
        "GET github /repos/acme/%2e%2e/evil",
      ],
      ...[
        "GET github /repos/acme/..%2fevil",
        "GET github /repos/acme%2F..%2Fevil",
        "GET github /repos/acme\\..\\evil",
      ],
      ...[
        "GET github /repos/acme/%5c..%5cevil",
        "GET github /repos/acme/..",
        "GET github /repos/acme/.",
        "GET github /z/a",
      ],
      ...[
        "GET github /publi",
        "GET github /public/",
        "GET github /public/x",
        "GET github /a",
        "GET github /az",
        "GET github /a/z/b",
      ],
    ],
  },
  {
    title: "a percent escape in a pattern",
    rules: [{ service: "wiki", paths: ["/p/Caf%C3%A9", "/q/*%20*"] }],
    allowed: ["GET wiki /p/Caf%C3%A9", "GET wiki /q/a%20b"],
    denied: [
      "GET wiki /p/Caf%c3%a9",
      "GET wiki /p/Caf\u00e9",
      "GET wiki /p/Cafe",
      "GET wiki /q/ab",
      "GET wiki /q/%20",
      "GET wiki /q/a+b",
      "GET wiki /q/a%2520b",
    ],
  },
  {
    title: "commands",
    rules: [{ service: "prod", actions: ["exec"], commands: ["docker ps", "systemctl status 'my app'"] }],
    allowed: [
      ...["exec prod docker ps", "exec prod docker ps -a", "exec prod  docker  'ps' --format '{{.ID}}'"],
      ...[
        "exec prod systemctl status 'my app'",
        'exec prod systemctl status "my app" -l',
        "exec prod 'docker' ps",
      ],
    ],
    denied: [
      ...[
        "exec prod docker",
        "exec prod docker psx",
        "exec prod docker rm x",
        "exec prod docker ps; rm x",
        "exec prod",
      ],
      ...[
        "exec prod docker ps && rm x",
        "exec prod docker ps | sh",
        "exec prod docker ps $(id)",
        "exec prod docker ps `id`",
      ],
      ...[
        "exec prod docker ps > /x",
        "exec prod docker ps\nrm x",
        "exec prod systemctl status my app",
        "exec prod sudo docker ps",
      ],
      ...[
        "exec prod docker\\ ps",
        "exec prod 'docker ps'",
        "exec prod DOCKER ps",
        "exec test docker ps",
        "exec prod ./docker ps",
      ],
      ...["upload prod /a", "download prod /a", "shell prod", "GET prod /", "session prod"],
    ],
  },
  {
    title: "commands without actions",
    rules: [{ service: "prod", commands: ["uptime"] }],
    allowed: ["exec prod uptime", "exec prod uptime -p"],
    denied: [
      "exec prod id",
      "upload prod /a",
      "download prod /a",
      "shell prod",
      "session prod",
      "GET prod /",
    ],
  },
  {
    title: "remote paths",
    rules: [{ service: "prod", actions: ["upload"], remote_paths: ["/srv/app", "/tmp/x.txt"] }],
    allowed: [
      "upload prod /srv/app/a",
      "upload prod /srv/app/b/c",
      "upload prod /tmp/x.txt",
      "upload prod /srv//./app/a",
    ],
    denied: [
      ...[
        "upload prod /srv/app/../a",
        "upload prod /srv/apple/a",
        "upload prod /srv/a",
        "upload prod /tmp/x.txt2",
        "upload prod",
      ],
      ...[
        "upload prod srv/app/a",
        "upload prod /srv/app/",
        "upload prod /srv/app/..",
        "upload prod /SRV/app/a",
      ],
      ...[
        "download prod /srv/app/a",
        "exec prod ls",
        "shell prod",
        "GET prod /srv/app/a",
        "upload test /srv/app/a",
      ],
    ],
  },
  {
    title: "remote paths without actions",
    rules: [{ service: "prod", remote_paths: ["/srv"] }],
    allowed: ["upload prod /srv/a", "download prod /srv/a"],
    denied: [
      "upload prod /etc/a",
      "download prod /etc/a",
      "exec prod ls",
      "shell prod",
      "session prod",
      "GET prod /srv/a",
    ],
  },
  {
    title: "commands and remote paths",
    rules: [{ service: "prod", actions: ["exec", "download"], commands: ["ls"], remote_paths: ["/var/log"] }],
    allowed: ["exec prod ls -l", "download prod /var/log/x"],
    denied: ["exec prod id", "download prod /etc/x", "upload prod /var/log/a", "shell prod"],
  },
  {
    title: "sessions",
    rules: [{ service: ["app-db", "prod"], actions: ["session"] }],
    allowed: ["session app-db", "shell prod", "session prod"],
    denied: ["GET app-db /", "exec prod ls", "upload prod /a", "session other-db", "shell test"],
  },
  {
    title: "rules add up, but do not mix",
    rules: [
      { service: "github", methods: ["GET"], paths: ["/repos/**"] },
      { service: "github", methods: ["POST"], paths: ["/repos/*/*/issues"] },
      { service: "*", methods: ["HEAD"] },
      { service: "prod", commands: ["ls"] },
      { service: "prod", actions: ["exec"], commands: ["id"] },
    ],
    allowed: [
      ...[
        "GET github /repos/a/b",
        "POST github /repos/a/b/issues",
        "HEAD github /x",
        "HEAD stripe /",
        "exec prod ls",
      ],
      ...["exec prod id", "GET github /repos", "HEAD github /repos/a"],
    ],
    denied: [
      ...[
        "POST github /repos/a/b",
        "POST github /repos/a/issues",
        "GET github /user",
        "GET stripe /",
        "PUT github /repos/a/b",
      ],
      ...[
        "DELETE github /repos/a/b/issues",
        "exec prod ls;id",
        "exec prod uptime",
        "POST stripe /repos/a/b/issues",
      ],
    ],
  },
];
