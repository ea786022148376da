"""Makes calls of the Python SDK that come as JSON lines, and prints what each gave as a JSON line."""

import base64
import dataclasses
import json
import sys

import httpx
from vault_proxy import VaultClient, VaultError


def plain(value):
    """What JSON can say of a result."""
    if dataclasses.is_dataclass(value):
        return {
            field.name: plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not field.name.startswith("_")
        }
    if isinstance(value, httpx.Response):
        return {"status": value.status_code, "text": value.text}
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if hasattr(value, "__next__"):
        return [plain(inner) for inner in value]
    return value


def answer(client, call):
    """One call's outcome."""
    method = getattr(client, call["method"], None)
    if method is None:
        return {"absent": True}
    arguments = [base64.b64decode(item["base64"]) if isinstance(item, dict) and "base64" in item else item
                 for item in call.get("args", [])]
    try:
        return {"result": plain(method(*arguments, **call.get("kwargs", {})))}
    except VaultError as error:
        return {"error": {"status": error.status_code, "code": error.code, "message": error.message}}
    except ValueError as error:
        return {"error": {"status": 0, "code": "ValueError", "message": str(error)}}


def main():
    with VaultClient(sys.argv[1]) as client:
        for line in sys.stdin:
            call = json.loads(line)
            client.token = call.get("token")
            print(json.dumps({**answer(client, call), "token": client.token}), flush=True)


main()
