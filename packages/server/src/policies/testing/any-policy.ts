import fc from "fast-check";
import type { Action } from "../action.js";
import { RULE_ACTIONS, type PolicyRule, type RuleAction } from "../policy-schema.js";
import { actionOf } from "./action-of.js";

const SERVICES = ["github", "stripe", "prod"];
const METHODS = ["GET", "POST", "DELETE"];
const COMMANDS = ["ls", "ls -l", "docker ps", "docker"];
const REMOTE_PATHS = ["/srv", "/srv/app", "/", "/tmp/x"];

const segment = fc.constantFrom("a", "b", "ab", "*", "a*", "*b", "**", "%20", "a%20*");

export const anyPattern: fc.Arbitrary<string> = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => `/${segments.join("/")}`);

const some = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { minLength: 1, maxLength: 3 });

const anyServices = fc.oneof(
  fc.constant("*"),
  fc.constantFrom(...SERVICES),
  some(fc.constantFrom(...SERVICES)),
);
const anyCooldown = fc.constantFrom("10s", "20s");
const anyCommands = some(fc.constantFrom(...COMMANDS));
const anyRemotePaths = some(fc.constantFrom(...REMOTE_PATHS));

/** Of few words, so that rules and actions often meet; of each kind that the schema lets through. */
export const anyRule: fc.Arbitrary<PolicyRule> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      {
        service: anyServices,
        methods: some(fc.constantFrom(...METHODS)),
        paths: some(anyPattern),
        cooldown: anyCooldown,
      },
      { requiredKeys: ["service"] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      { service: anyServices, actions: some(fc.constantFrom(...RULE_ACTIONS)), cooldown: anyCooldown },
      { requiredKeys: ["service"] },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record(
      { service: anyServices, commands: anyCommands, cooldown: anyCooldown },
      { requiredKeys: ["service", "commands"] },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record(
      { service: anyServices, remote_paths: anyRemotePaths, cooldown: anyCooldown },
      { requiredKeys: ["service", "remote_paths"] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      service: anyServices,
      actions: fc.constantFrom<RuleAction[]>(["exec", "upload"], ["exec", "download"]),
      commands: anyCommands,
      remote_paths: anyRemotePaths,
    }),
  },
);

export const anyPath: fc.Arbitrary<string> = fc
  .array(fc.constantFrom("a", "b", "ab", "abb", "", "%20", "a%20", "..", "%2e", "c"), {
    minLength: 1,
    maxLength: 4,
  })
  .map((segments) => `/${segments.join("/")}`);

export const anyAction: fc.Arbitrary<Action> = fc
  .oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...METHODS), fc.constantFrom(...SERVICES), anyPath) },
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constant("exec"),
        fc.constantFrom(...SERVICES),
        fc.constantFrom(...COMMANDS, "id"),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constantFrom("upload", "download"),
        fc.constantFrom(...SERVICES),
        fc.constantFrom("/srv/a", "/srv/app/a", "/tmp/x", "/etc/x"),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom("session", "shell"), fc.constantFrom(...SERVICES), fc.constant("")),
    },
  )
  .map(([verb, service, rest]) =>
    actionOf(rest === "" ? `${verb} ${service}` : `${verb} ${service} ${rest}`),
  );
