"""Policies: what a token may do, as the vault takes and shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from vault_proxy.json_fields import (
    boolean_field,
    integer_field,
    json_object,
    optional_text_field,
    text_field,
    unknown_fields,
)

PolicyAction = Literal["exec", "upload", "download", "session"]


class _RuleTarget(TypedDict):
    service: str | list[str]


class PolicyRule(_RuleTarget, total=False):
    """Allows what fits everything that it names; with `service` alone all of that service."""

    methods: list[str]
    paths: list[str]
    actions: list[PolicyAction]
    commands: list[str]
    remote_paths: list[str]
    cooldown: str


class PolicyLimits(TypedDict, total=False):
    """Limits of a token; `bytes_per_day` is a number or a text such as `1GB`."""

    requests_per_minute: int
    max_concurrent: int
    max_uses: int
    bytes_per_day: int | str


_Validity = TypedDict("_Validity", {"from": str, "until": str}, total=False)


class PolicyValidity(_Validity, total=False):
    """When a policy allows anything: `from` and `until` are RFC 3339."""


class _Rules(TypedDict):
    rules: list[PolicyRule]


class PolicyContent(_Rules, total=False):
    """What a policy says, without a name: what a token can have of its own."""

    limits: PolicyLimits
    valid: PolicyValidity


class PolicyQuestion(TypedDict, total=False):
    """An HTTP call by `method` and `path`, or an `action` with its `command` or `remote_path`."""

    method: str
    path: str
    action: PolicyAction
    command: str
    remote_path: str


_CONTENT = ("rules", "limits", "valid")


@dataclass(frozen=True)
class Policy:
    """A stored policy. `version` counts its changes from 1; `updated_at` is RFC 3339.

    Fields that this version does not know are in `extra`.
    """

    name: str
    content: PolicyContent
    version: int
    updated_at: str
    description: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> Policy:
        """Read the answer. Raises `ValueError` when it is no policy."""
        answer = json_object(value)
        rules = answer.get("rules")
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise ValueError("a policy has no rules")
        content: Any = {key: answer[key] for key in _CONTENT if key in answer}
        unknown = unknown_fields(cls, answer)
        return cls(
            text_field(answer, "name"),
            content,
            integer_field(answer, "version"),
            text_field(answer, "updated_at"),
            optional_text_field(answer, "description"),
            {key: value for key, value in unknown.items() if key not in _CONTENT},
        )


@dataclass(frozen=True)
class PolicyVerdict:
    """What a policy says to an action: the rule that allows it, such as `triage-bot/2`, or why none does."""

    allowed: bool
    rule: str | None = None
    reason: str | None = None

    @classmethod
    def from_json(cls, value: object) -> PolicyVerdict:
        """Read the answer. Raises `ValueError` when it is no verdict."""
        answer = json_object(value)
        return cls(
            boolean_field(answer, "allowed"),
            optional_text_field(answer, "rule"),
            optional_text_field(answer, "reason"),
        )
