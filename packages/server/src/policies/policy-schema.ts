import { z } from "@hono/zod-openapi";
import { parseDuration } from "../config/duration.js";
import { parseAllowedCommand } from "../ssh-rules/command-rules.js";
import { parseAllowedPath } from "../ssh-rules/remote-path.js";
import { parseByteCount } from "./byte-count.js";
import { parsePathPattern } from "./path-pattern.js";
import { POLICY_LIMITS } from "./policy-limits.js";
import { contradictionsOf } from "./rule-contradictions.js";

/** What a rule can allow besides HTTP calls: the first three by SSH, a session by SSH or at a TCP service. */
export const RULE_ACTIONS = ["exec", "upload", "download", "session"] as const;

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;
const NAME_FAULT = "must begin with a letter or digit and hold only letters, digits, . _ -";

export const policyNameSchema = z.string().min(1).max(POLICY_LIMITS.nameCharacters).regex(NAME, NAME_FAULT);

const serviceSchema = z.string().min(1).max(POLICY_LIMITS.serviceNameCharacters).regex(NAME, NAME_FAULT);

const servicesSchema = z
  .union([
    z.literal("*"),
    serviceSchema,
    z.array(serviceSchema).min(1, "must not be empty").max(POLICY_LIMITS.servicesOfARule),
  ])
  .openapi({ description: 'A service, a list of services, or "*" for every service.' });

const methodSchema = z
  .string()
  .max(POLICY_LIMITS.methodCharacters)
  // RFC 9110 §9.1: methods are case-sensitive, and all that are registered are in capitals.
  .regex(/^[A-Z][A-Z0-9-]*$/, "must be a method in capital letters");

/** A string that has to be read by another parser, which says what is wrong with it. */
function checked(
  characters: number,
  faultOf: (text: string) => string | undefined,
): z.ZodType<string, string> {
  return z
    .string()
    .min(1, "must not be empty")
    .max(characters)
    .superRefine((text, context) => {
      const message = faultOf(text);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    });
}

const pathSchema = checked(POLICY_LIMITS.patternCharacters, (text) => {
  const parsed = parsePathPattern(text);
  return parsed.ok ? undefined : parsed.reason;
});

const commandSchema = checked(POLICY_LIMITS.commandCharacters, (text) => {
  const parsed = parseAllowedCommand(text);
  return parsed.ok ? undefined : `can allow no command: ${parsed.reason}`;
});

const remotePathSchema = checked(POLICY_LIMITS.remotePathCharacters, (text) => {
  const parsed = parseAllowedPath(text);
  return parsed.ok ? undefined : `can allow no file: ${parsed.reason}`;
});

const cooldownSchema = z
  .string()
  .refine((text) => {
    const milliseconds = parseDuration(text);
    const { min, max } = POLICY_LIMITS.cooldownMs;
    return milliseconds !== undefined && milliseconds >= min && milliseconds <= max;
  }, "must be a duration from 1s to 744h")
  .openapi({ description: "How long after a use the rule allows nothing.", example: "300s" });

export const policyRuleSchema = z
  .strictObject({
    service: servicesSchema,
    methods: z
      .array(methodSchema)
      .min(1, "must not be empty")
      .max(POLICY_LIMITS.methodsOfARule)
      .optional()
      .openapi({ description: "Default: every method." }),
    paths: z
      .array(pathSchema)
      .min(1, "must not be empty")
      .max(POLICY_LIMITS.pathsOfARule)
      .optional()
      .openapi({ description: "Path patterns, relative to the service. Default: every path." }),
    actions: z.array(z.enum(RULE_ACTIONS)).min(1, "must not be empty").max(RULE_ACTIONS.length).optional(),
    commands: z
      .array(commandSchema)
      .min(1, "must not be empty")
      .max(POLICY_LIMITS.commandsOfARule)
      .optional()
      .openapi({ description: "What a command must begin with, by words. Default: every command." }),
    remote_paths: z
      .array(remotePathSchema)
      .min(1, "must not be empty")
      .max(POLICY_LIMITS.remotePathsOfARule)
      .optional()
      .openapi({ description: "Files and directories of uploads and downloads. Default: every path." }),
    cooldown: cooldownSchema.optional(),
  })
  .superRefine((rule, context) => {
    for (const { field, message } of contradictionsOf(rule)) {
      context.addIssue({ code: "custom", path: [field], message });
    }
  })
  .openapi("PolicyRule");

const count = (max: number): z.ZodInt => z.int().min(1).max(max);

export const policyLimitsSchema = z
  .strictObject({
    requests_per_minute: count(POLICY_LIMITS.requestsPerMinute).optional(),
    max_concurrent: count(POLICY_LIMITS.concurrent).optional(),
    max_uses: count(POLICY_LIMITS.uses).optional(),
    bytes_per_day: z
      .union([z.number(), z.string()])
      .refine((value) => {
        const bytes = parseByteCount(value);
        return bytes !== undefined && bytes >= 1 && bytes <= POLICY_LIMITS.bytesPerDay;
      }, "must be a number of bytes such as 1GB, 500MB or 2GiB")
      .optional()
      .openapi({ description: "Bytes both ways in a day of UTC, such as 1GB.", example: "1GB" }),
  })
  .openapi("PolicyLimits");

const instantSchema = z.iso.datetime({ offset: true, error: "must be a time such as 2027-01-31T12:00:00Z" });

export const policyValiditySchema = z
  .strictObject({ from: instantSchema.optional(), until: instantSchema.optional() })
  .refine(
    ({ from, until }) => from === undefined || until === undefined || Date.parse(from) < Date.parse(until),
    { path: ["until"], message: "must be later than from" },
  )
  .openapi("PolicyValidity");

const rulesSchema = z
  .array(policyRuleSchema)
  .max(POLICY_LIMITS.rules)
  .refine(
    (rules) =>
      rules.flatMap(({ paths }) => paths ?? []).reduce((sum, { length }) => sum + length, 0) <=
      POLICY_LIMITS.patternCharactersOfAPolicy,
    `must hold patterns of at most ${String(POLICY_LIMITS.patternCharactersOfAPolicy)} characters in all`,
  );

const contentFields = {
  rules: rulesSchema,
  limits: policyLimitsSchema.optional(),
  valid: policyValiditySchema.optional(),
};

/** What a policy says, without a name: what a token is given inline. */
export const policyContentSchema = z.strictObject(contentFields).openapi("PolicyContent");

export const policySchema = z
  .strictObject({
    name: policyNameSchema,
    description: z.string().max(POLICY_LIMITS.descriptionCharacters).optional(),
    ...contentFields,
  })
  .openapi("Policy");

export type RuleAction = (typeof RULE_ACTIONS)[number];
export type PolicyRule = z.output<typeof policyRuleSchema>;
export type PolicyLimits = z.output<typeof policyLimitsSchema>;
export type PolicyValidity = z.output<typeof policyValiditySchema>;
export type PolicyContent = z.output<typeof policyContentSchema>;
export type Policy = z.output<typeof policySchema>;
