"""The vaults that must be refused, each for one sentence of docs/vault-format.md."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from opening_vaults import OTHER_RECOVERY_KEY, PASSWORD, RECOVERY_KEY, TIME
from read_vault import END, FILE, MAGIC, STATE
from spoilt_drafts import (
    after_end,
    bound,
    end_bytes,
    first_line,
    flipped,
    header_with,
    header_without,
    last_line,
    more_lines,
    replaced,
    setting,
    slot_with,
    slot_without,
    slots,
    state_text,
    upper_case,
    with_length,
)
from write_vault import Cost, recovery_key_text

__all__: list[str] = []

RECOVERY = {"recovery_key": RECOVERY_KEY}
MEMBERS = "a JSON object with exactly these members"
UNKNOWN = "what is left out here is not accepted: unknown members"
LOWER = "hexadecimal text is lower-case"
SLOTS = "the password slot, and after it a recovery slot if there is one"
COST = "a reader refuses more than 1,048,576, 64 and 16, and memory under 8 KiB a lane"
ORDER = "one of type state, then one of type file for every stored file, then one of type end"
NOTHING = "nothing follows the end segment"
BINDS = (
    "whatever is edited, swapped, repeated, left out or taken from another version does not agree with the end segment"
)
BELONGS = "every file segment belongs to one entry and the other way round"
FILE_ENTRY = "the value of a file entry is mime_type, size, created_at and segment"
ONCE = "a name stands once in a collection"
ENTRY = 'every other line is one entry, ["<collection>","<name>",<value>]'
PSK = "recovery_psk is there exactly if there is a recovery slot"
FIRST = "the first line has state, seals and, with a recovery slot, recovery_psk"
LINES = "the state is lines of JSON (UTF-8), with \\n between them and none at the end"
DOLLAR = "any other member whose name begins with $ is written with one more $"
MARKED = 'a secret is {"$secret":"<value>"}'
OBJECT = "services, tokens, policies and settings are objects"
DEEP = "objects are nested 64 deep at most"
DATA_KEY = "segments are sealed under the data key with vault_id ‖ segment id ‖ type"

LOST_FILE = {"mime_type": "text/plain", "size": 0, "created_at": TIME, "segment": "00" * 16}
LOST_ENTRY = json.dumps(["files", "c.txt", LOST_FILE])

REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    # The frame
    "magic": ("magic: VLTPRX1\\n", {"whole": lambda data: data.replace(MAGIC, b"VLTPRX1\r", 1)}),
    "magic-in-small-letters": ("magic: VLTPRX1\\n", {"whole": lambda data: MAGIC.lower() + data[8:]}),
    "header-too-long": (
        "the header is at most 65,536 bytes",
        {"header_json": lambda header: header + b" " * (65_537 - len(header))},
    ),
    "header-empty": ("the header is a JSON object", {"header_json": lambda _: b""}),
    "header-not-json": ("the header is JSON", {"header_json": lambda header: header[:-1]}),
    "header-with-byte-order-mark": ("no byte order mark", {"header_json": lambda header: b"\xef\xbb\xbf" + header}),
    "header-not-utf-8": ("JSON (UTF-8)", {"header_json": lambda header: header.replace(b"2026", b"20\xff6")}),
    "header-list": ("the header is a JSON object", {"header_json": lambda header: b"[" + header + b"]"}),
    "header-null": ("the header is a JSON object", {"header_json": lambda _: b"null"}),
    "header-length-past-the-end": ("that many bytes", {"whole": lambda data: data[:8] + b"\0\0\xff\xff" + data[12:]}),
    "header-only": (ORDER, after_end(lambda _, __: [])),
    "magic-only": ("header length", {"whole": lambda _: MAGIC}),
    "no-bytes": ("magic", {"whole": lambda _: b""}),
    "state-missing": (ORDER, bound(lambda _, parts: parts[1:])),
    "state-twice": (ORDER, bound(lambda _, parts: [parts[0], *parts])),
    "state-last": (ORDER, bound(lambda _, parts: [*parts[1:], parts[0]])),
    "state-between-files": (ORDER, bound(lambda _, parts: [parts[1], parts[0], parts[2]])),
    "end-missing": (ORDER, after_end(lambda _, parts: parts[:-1])),
    "end-first": (ORDER, after_end(lambda _, parts: [parts[-1], *parts[:-1]])),
    "end-twice": (NOTHING, after_end(lambda _, parts: [*parts, parts[-1]])),
    "file-after-end": (NOTHING, after_end(lambda sealer, parts: [*parts, sealer.segment(FILE, b"more")])),
    "byte-after-end": (NOTHING, {"whole": lambda data: data + b"\n"}),
    "length-after-end": (NOTHING, {"whole": lambda data: data + bytes(4)}),
    "segment-type-unknown": (ORDER, bound(lambda sealer, parts: [*parts, sealer.segment(3, b"")])),
    "segment-type-0": (ORDER, bound(lambda sealer, parts: [*parts, sealer.segment(0, b"")])),
    "segment-too-short": (
        "segment: type, id, nonce, tag",
        bound(lambda _, parts: [*parts, with_length(parts[1][:48], 44)]),
    ),
    "segment-length-0": ("segment: type, id, nonce, tag", bound(lambda _, parts: [*parts, bytes(4)])),
    "segment-length-one-less": (
        "length of what follows",
        after_end(lambda _, parts: [*parts[:-1], with_length(parts[-1], len(parts[-1]) - 5)]),
    ),
    "segment-length-one-more": (
        "length of what follows",
        after_end(lambda _, parts: [*parts[:-1], with_length(parts[-1], len(parts[-1]) - 3)]),
    ),
    "segment-length-over-the-bound": (
        "at most 268,435,456 + 45",
        after_end(lambda _, parts: [*parts[:-1], with_length(parts[-1], 268_435_456 + 46)]),
    ),
    "segment-length-greatest": (
        "at most 268,435,456 + 45",
        after_end(lambda _, parts: [with_length(parts[0], 2**32 - 1), *parts[1:]]),
    ),
    "truncated-in-state": ("length of what follows", {"whole": lambda data: data[: len(data) // 2]}),
    "truncated-by-one": ("tag: 16 bytes", {"whole": lambda data: data[:-1]}),
    # Sealed otherwise
    "state-sealed-as-file": (DATA_KEY, {"state_type": FILE}),
    "end-sealed-as-state": (DATA_KEY, after_end(lambda sealer, parts: [*parts[:-1], sealer.segment(END, b"", STATE)])),
    "file-under-another-key": (
        DATA_KEY,
        bound(lambda sealer, parts: [*parts[:-1], replace(sealer, data_key=bytes(32)).segment(FILE, b"x")]),
    ),
    "file-of-another-vault": (
        DATA_KEY,
        bound(lambda sealer, parts: [*parts[:-1], replace(sealer, vault_id=bytes(16)).segment(FILE, b"x")]),
    ),
    "password-slot-sealed-as-recovery": (
        "the additional data is vault_id ‖ slot id ‖ 0x10",
        {"password_seal": b"\x11"},
    ),
    "flipped-state-length": ("length of what follows", flipped(0, 3)),
    "flipped-state-type": (ORDER, flipped(0, 4)),
    "flipped-state-id": (DATA_KEY, flipped(0, 5)),
    "flipped-state-nonce": (DATA_KEY, flipped(0, 21)),
    "flipped-state-ciphertext": (DATA_KEY, flipped(0, 33)),
    "flipped-state-tag": (DATA_KEY, flipped(0, -1)),
    "flipped-file-id": (DATA_KEY, flipped(1, 20)),
    "flipped-file-nonce": (DATA_KEY, flipped(1, 32)),
    "flipped-file-ciphertext": (DATA_KEY, flipped(2, 33)),
    "flipped-file-tag": (DATA_KEY, flipped(2, -16)),
    "flipped-end-id": (DATA_KEY, flipped(-1, 5)),
    "flipped-end-nonce": (DATA_KEY, flipped(-1, 21)),
    "flipped-end-ciphertext": (DATA_KEY, flipped(-1, 33)),
    "flipped-end-tag": (DATA_KEY, flipped(-1, -1)),
    "flipped-header": (BINDS, {"whole": replaced("2026-01-31T12:00:00", "2026-01-31T12:00:01")}),
    # The header
    "format-0": ("format: 1", header_with(format=0)),
    "format-text": ("format: 1", header_with(format="1")),
    "format-text-2": ("format: 1", header_with(format="2")),
    "format-true": ("format: 1", header_with(format=True)),
    "format-missing": (MEMBERS, header_without("format")),
    "vault-id-missing": (MEMBERS, header_without("vault_id")),
    "created-at-missing": (MEMBERS, header_without("created_at")),
    "cipher-missing": (MEMBERS, header_without("cipher")),
    "slots-missing": (MEMBERS, header_without("slots")),
    "generation-missing": (MEMBERS, header_without("generation")),
    "header-member-unknown": (UNKNOWN, header_with(comment="")),
    "header-member-proto": (UNKNOWN, header_with(__proto__={})),
    "vault-id-upper-case": (LOWER, upper_case(None, "vault_id")),
    "vault-id-short": ("vault_id is 16 bytes", header_with(vault_id="00" * 15)),
    "vault-id-other": (DATA_KEY, header_with(vault_id="00" * 16)),
    "generation-0": ("generation: from 1", {"generation": 0}),
    "generation-text": ("generation is a number", header_with(generation="1")),
    "generation-fraction": ("generation is a number of saves", header_with(generation=1.5)),
    "generation-negative": ("generation: from 1", header_with(generation=-1)),
    "generation-other-than-end": ("generation, equal to the header's", header_with(generation=2)),
    "created-at-not-a-time": ("RFC 3339, UTC", header_with(created_at="yesterday")),
    "created-at-number": ("RFC 3339, UTC", header_with(created_at=1_769_860_800)),
    "created-at-not-a-day": ("RFC 3339, UTC", header_with(created_at="2026-02-30T12:00:00Z")),
    "created-at-without-zone": ("RFC 3339, UTC", header_with(created_at="2026-01-31T12:00:00")),
    "created-at-not-utc": ("RFC 3339, UTC", header_with(created_at="2026-01-31T12:00:00+01:00")),
    "cipher-other": ("other algorithms", header_with(cipher="AES-128-GCM")),
    "cipher-small-letters": ("other algorithms", header_with(cipher="aes-256-gcm")),
    "slots-empty": (SLOTS, slots(lambda _: [])),
    "slots-object": (SLOTS, slots(lambda before: {"0": before[0]})),
    "slot-null": (SLOTS, slots(lambda before: [*before, None])),
    "password-slot-twice": ("a second slot of a kind", slots(lambda before: [before[0], before[0]])),
    "recovery-slot-twice": ("a second slot of a kind", RECOVERY | slots(lambda before: [*before, before[1]])),
    "recovery-slot-first": (SLOTS, RECOVERY | slots(lambda before: before[::-1])),
    "recovery-slot-alone": (SLOTS, RECOVERY | slots(lambda before: before[1:])),
    "three-slots": ("a second slot of a kind", RECOVERY | slots(lambda before: [*before, before[0]])),
    # The slots
    "slot-kind-unknown": (UNKNOWN, slot_with(0, kind="passphrase")),
    "slot-member-unknown": (UNKNOWN, slot_with(0, hint="none")),
    "recovery-slot-member-unknown": (UNKNOWN, RECOVERY | slot_with(1, salt="00" * 16)),
    "kdf-other": ("other algorithms", slot_with(0, kdf="argon2i")),
    "kdf-missing": (MEMBERS, slot_without(0, "kdf")),
    "salt-missing": (MEMBERS, slot_without(0, "salt")),
    "slot-id-missing": (MEMBERS, slot_without(0, "id")),
    "slot-id-other": ("the additional data is vault_id ‖ slot id ‖ 0x10", slot_with(0, id="00" * 16)),
    "salt-upper-case": (LOWER, upper_case(0, "salt")),
    "salt-short": ("salt: 16 bytes", slot_with(0, salt="00" * 15)),
    "salt-odd": ("salt: 16 bytes, hexadecimal", slot_with(0, salt="0" * 31)),
    "nonce-long": ("nonce: 12 bytes", slot_with(0, nonce="00" * 13)),
    "nonce-upper-case": (LOWER, upper_case(0, "nonce")),
    "sealed-key-upper-case": (LOWER, upper_case(0, "sealed_key")),
    "sealed-key-short": ("sealed_key: 32 bytes of ciphertext ‖ 16 bytes of tag", slot_with(0, sealed_key="00" * 47)),
    "sealed-key-other": ("the data key is sealed with AES-256-GCM", slot_with(0, sealed_key="00" * 48)),
    "m-kib-over-the-bound": (COST, {"cost": Cost(1_048_577, 1, 1)}),
    "m-kib-greatest": (COST, slot_with(0, m_kib=2**32 - 1)),
    "m-kib-under-8-a-lane": (COST, slot_with(0, m_kib=63, p=8)),
    "m-kib-times-t": (COST, slot_with(0, m_kib=2**20, t=5)),
    "m-kib-7": (COST, slot_with(0, m_kib=7)),
    "m-kib-text": (COST, slot_with(0, m_kib="64")),
    "m-kib-fraction": (COST, slot_with(0, m_kib=64.5)),
    "t-over-the-bound": (COST, {"cost": Cost(64, 65, 1)}),
    "t-0": (COST, slot_with(0, t=0)),
    "p-over-the-bound": (COST, {"cost": Cost(136, 1, 17)}),
    "p-0": (COST, slot_with(0, p=0)),
    "p-negative": (COST, slot_with(0, p=-1)),
    "hpke-other": ("other algorithms", RECOVERY | slot_with(1, hpke="x25519-hkdf-sha256-aes-256-gcm")),
    "public-key-short": ("public_key: 32 bytes", RECOVERY | slot_with(1, public_key="00" * 31)),
    "public-key-upper-case": (LOWER, RECOVERY | upper_case(1, "public_key")),
    "enc-upper-case": (LOWER, RECOVERY | upper_case(1, "enc")),
    "enc-missing": (MEMBERS, RECOVERY | slot_without(1, "enc")),
    "recovery-sealed-key-long": ("sealed_key: 48 bytes", RECOVERY | slot_with(1, sealed_key="00" * 49)),
    # The end segment
    "end-header-digest": ("SHA-256 of the header's JSON bytes", end_bytes(0, bytes(32))),
    "end-generation": ("generation, equal to the header's", end_bytes(32, (2).to_bytes(8, "big"))),
    "end-count-less": ("number of segments before this one", end_bytes(40, (2).to_bytes(4, "big"))),
    "end-count-more": ("number of segments before this one", end_bytes(40, (4).to_bytes(4, "big"))),
    "end-id": ("for each of them, in order: id", end_bytes(44, bytes(16))),
    "end-segment-digest": ("SHA-256 of the whole segment", end_bytes(60, bytes(32))),
    "end-order": ("for each of them, in order", {"end": lambda plain: plain[:92] + plain[140:] + plain[92:140]}),
    "end-without-the-last": ("for each of them", {"end": lambda plain: plain[:-48]}),
    "end-longer": ("the plaintext binds the rest", {"end": lambda plain: plain + b"\0"}),
    "end-shorter": ("the plaintext binds the rest", {"end": lambda plain: plain[:-1]}),
    "end-empty": ("the plaintext binds the rest", {"end": lambda _: b""}),
    "files-swapped": (BINDS, after_end(lambda _, parts: [parts[0], parts[2], parts[1], parts[3]])),
    "file-repeated": (BINDS, after_end(lambda _, parts: [*parts[:3], parts[2], parts[3]])),
    "file-left-out": (BINDS, after_end(lambda _, parts: [parts[0], parts[2], parts[3]])),
    "file-of-another-version": (
        BINDS,
        after_end(lambda sealer, parts: [*parts[:2], sealer.segment(FILE, b"older one"), parts[3]]),
    ),
    # The state
    "state-empty": (LINES, {"state": lambda _: b""}),
    "state-line-break-at-the-end": (LINES, {"state": lambda text: text + b"\n"}),
    "state-empty-line": (LINES, {"state": lambda text: text.replace(b"\n", b"\n\n", 1)}),
    "state-line-not-json": (LINES, more_lines('["settings","x",{}')),
    "state-line-two-values": (LINES, more_lines('["settings","x",{}] ["settings","y",{}]')),
    "state-not-utf-8": (LINES, {"state": lambda text: text.replace(b"sk-invented", b"sk-inv\xffnted")}),
    "state-byte-order-mark": (LINES, {"state": lambda text: b"\xef\xbb\xbf" + text}),
    "state-nan": (LINES, setting('{"a":NaN}')),
    "state-single-quotes": (LINES, setting("{'a':1}")),
    "state-comma-at-the-end": (LINES, setting('{"a":1,}')),
    "first-line-missing": (FIRST, {"lines": lambda lines: lines[1:]}),
    "first-line-last": (FIRST, {"lines": lambda lines: [*lines[1:], lines[0]]}),
    "first-line-twice": (ENTRY, {"lines": lambda lines: [lines[0], *lines]}),
    "first-line-state-2": (FIRST, state_text('"state":1', '"state":2')),
    "first-line-member-unknown": (UNKNOWN, state_text('"state":1', '"state":1,"more":1')),
    "seals-missing": (FIRST, state_text(',"seals":4', "")),
    "seals-text": (FIRST, state_text('"seals":4', '"seals":"4"')),
    "seals-negative": (FIRST, state_text('"seals":4', '"seals":-4')),
    "seals-fraction": (FIRST, state_text('"seals":4', '"seals":4.5')),
    "psk-without-slot": (PSK, state_text('"seals":4', f'"seals":4,"recovery_psk":"{"00" * 32}"')),
    "slot-without-psk": (PSK, RECOVERY | first_line('{"state":1,"seals":4}')),
    "psk-short": (
        "recovery_psk: 64 hexadecimal digits",
        RECOVERY | first_line(f'{{"state":1,"seals":4,"recovery_psk":"{"ab" * 31}"}}'),
    ),
    "psk-null": (PSK, state_text('"seals":4', '"seals":4,"recovery_psk":null')),
    "psk-upper-case": (
        LOWER,
        RECOVERY | {"lines": lambda lines: [lines[0][:-66] + lines[0][-66:].upper(), *lines[1:]]},
    ),
    "collection-unknown": (ENTRY, more_lines('["users","x",{}]')),
    "collection-proto": (ENTRY, more_lines('["__proto__","x",{}]')),
    "collection-number": (ENTRY, more_lines('[1,"x",{}]')),
    "entry-name-number": (ENTRY, more_lines('["settings",1,{}]')),
    "entry-short": (ENTRY, more_lines('["settings","x"]')),
    "entry-long": (ENTRY, more_lines('["settings","x",{},{}]')),
    "entry-object": (ENTRY, more_lines('{"collection":"settings","name":"x","value":{}}')),
    "entry-twice": (ONCE, more_lines('["settings","x",{}]', '["settings","x",{}]')),
    "entry-twice-other-value": (ONCE, more_lines('["settings","x",{"a":1}]', '["settings","x",{"a":2}]')),
    "entry-twice-escaped": (ONCE, more_lines('["settings","x",{}]', '["settings","\\u0078",{}]')),
    "value-list": (OBJECT, setting("[]")),
    "value-null": (OBJECT, setting("null")),
    "value-text": (OBJECT, setting('"x"')),
    "service-value-number": (OBJECT, more_lines('["services","x",1]')),
    "dollar-name": (DOLLAR, setting('{"$other":1}')),
    "dollar-alone": (DOLLAR, setting('{"$":1}')),
    "dollar-name-in-a-list": (DOLLAR, setting('{"list":[{"$other":1}]}')),
    "secret-with-another-member": (MARKED, setting('{"a":{"$secret":"x","b":1}}')),
    "secret-number": (MARKED, setting('{"a":{"$secret":1}}')),
    "secret-null": (MARKED, setting('{"a":{"$secret":null}}')),
    "secret-object": (MARKED, setting('{"a":{"$secret":{"$secret":"x"}}}')),
    "nested-65-deep": (DEEP, setting('{"in":' * 64 + "{}" + "}" * 64)),
    "nested-70-deep": (DEEP, setting('{"in":' * 70 + "{}" + "}" * 70)),
    "nested-very-deep": (DEEP, setting('{"in":' * 20_000 + "{}" + "}" * 20_000)),
    "file-without-entry": (BELONGS, {"lines": lambda lines: lines[:-1]}),
    "entry-without-file": (BELONGS, more_lines(LOST_ENTRY)),
    "entry-left-without-file": (BELONGS, bound(lambda _, parts: parts[:-1])),
    "one-segment-for-two-entries": (
        BELONGS,
        {"lines": lambda lines: [*lines[:-1], lines[-2].replace(b"a.txt", b"b.txt")]},
    ),
    "three-entries-for-two-segments": (
        BELONGS,
        {"lines": lambda lines: [*lines, lines[-1].replace(b"b.txt", b"c.txt")]},
    ),
    "segment-bound-twice": (BELONGS, bound(lambda _, parts: [*parts, parts[-1]])),
    "file-name-twice": (ONCE, last_line(b"b.txt", b"a.txt")),
    "file-size-more": ("size in bytes", last_line(b":9,", b":10,")),
    "file-size-less": ("size in bytes", last_line(b":9,", b":8,")),
    "file-size-text": ("size in bytes", last_line(b":9,", b':"9",')),
    "file-member-unknown": (FILE_ENTRY, last_line(b'"size"', b'"x":1,"size"')),
    "file-member-missing": (FILE_ENTRY, last_line(b'"size":9,', b"")),
    "file-mime-type-number": (FILE_ENTRY, last_line(b'"text/plain"', b"1")),
    "file-created-at-not-a-time": ("RFC 3339", last_line(b'"2026-01', b'"2026/01')),
    "file-segment-upper-case": (
        LOWER,
        {"lines": lambda lines: [*lines[:-1], lines[-1][:-36] + lines[-1][-36:].upper()]},
    ),
}

GO_CONTENT = 'the plaintext is the JSON object {"services","files"}, both objects by name or null'
GO_REFUSED = {
    "go-not-json": (GO_CONTENT, b"{"),
    "go-list": (GO_CONTENT, b"[]"),
    "go-services-list": (GO_CONTENT, b'{"services":[],"files":{}}'),
    "go-files-text": (GO_CONTENT, b'{"services":{},"files":""}'),
    "go-service-text": (GO_CONTENT, b'{"services":{"x":"y"},"files":{}}'),
    "go-base64": ("base64 data", b'{"services":{},"files":{"x":{"name":"x","mime_type":"text/plain","data":"?"}}}'),
}
NEWER: dict[str, dict[str, Any]] = {
    "format-2": header_with(format=2),
    "format-2-otherwise-different": {"header_json": lambda _: b'{"slots":{"x":[1]},"format":2}'},
    "format-1000-without-segments": header_with(format=1000) | after_end(lambda _, __: []),
}
NEWER_RULE = "a greater number than it knows is a newer vault, whatever else stands there"
NORMALISATION = "the password is its UTF-8 bytes as they were typed, without any normalisation"
# Opening vaults with what does not open them.
WRONG_PASSWORDS = [
    ("one-service", "An invented password", "the password"),
    ("one-service", PASSWORD + " ", NORMALISATION),
    ("unicode-password", "pass\u0301w\u00f6rd 🔐 \u1e69 end ", NORMALISATION),
    ("recovery", recovery_key_text(OTHER_RECOVERY_KEY), "the private key of the recovery key"),
    ("recovery", recovery_key_text(RECOVERY_KEY)[:-1] + "0", "4 of the first 20 bits of SHA-256"),
    ("one-service", recovery_key_text(RECOVERY_KEY), "a recovery slot, if there is one"),
    ("go", "wrong", "it is opened with its password"),
]
