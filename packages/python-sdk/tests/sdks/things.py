"""A small API for clients that belong to none."""

from __future__ import annotations

import json

from sdks.upstream import Api, Call, Reply, as_json

KEY = "key-0123456789abcdefghijklmnop"
WORDS = [b"one\n", b"two\n", b"three\n"]


def list_things(call: Call) -> Reply:
    return as_json({"q": call.query("q")})


def take_thing(call: Call) -> Reply:
    kind = call.header("content-type")[0].split(";")[0]
    body = json.loads(call.body) if kind == "application/json" else len(call.body)
    return as_json({"kind": kind, "body": body}, 201)


def move(call: Call) -> Reply:
    """Name the new place with the API's own absolute URL, as many do."""
    return Reply(status=307, headers={"location": f"https://{call.header('host')[0]}/v1/things?q=moved"})


API = Api(
    credential=("authorization", f"Bearer {KEY}"),
    auth={"type": "bearer", "token": KEY},
    wrong_auth={"type": "bearer", "token": "key-of-somebody-else"},
    refuse=as_json({"message": "unauthorized"}, 401),
    routes={
        "GET /v1/things": list_things,
        "POST /v1/things": take_thing,
        "GET /v1/old": move,
        "POST /v1/old": move,
    },
)
