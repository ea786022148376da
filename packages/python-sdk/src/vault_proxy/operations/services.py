"""Services: what can be called, and with which credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault_proxy.operations.answers import json_list_reader, json_reader, read_done
from vault_proxy.operations.operation import Operation
from vault_proxy.operations.proxying import proxy
from vault_proxy.request_target import check_service_name
from vault_proxy.service_info import ServiceInfo
from vault_proxy.service_test import ServiceTest, service_test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vault_proxy.service_definition import ServiceDefinition, ServiceUpdate


def list_services() -> Operation[list[ServiceInfo]]:
    """Ask for the services that the token may see."""
    return Operation("GET", "/services", json_list_reader(ServiceInfo.from_json))


def get_service(name: str) -> Operation[ServiceInfo]:
    """Ask for a service. Raises `ValueError` for what is no name."""
    return Operation("GET", _target(name), json_reader(ServiceInfo.from_json))


def add_service(definition: ServiceDefinition) -> Operation[ServiceInfo]:
    """Store a service, or replace the one of that name; an admin token is needed."""
    return Operation("POST", "/services", json_reader(ServiceInfo.from_json), body={"json": definition})


def update_service(name: str, definition: ServiceUpdate) -> Operation[ServiceInfo]:
    """Replace a service that is there; an admin token is needed. Raises `ValueError` for what is no name."""
    return Operation("PUT", _target(name), json_reader(ServiceInfo.from_json), body={"json": definition})


def patch_service(name: str, changes: Mapping[str, object]) -> Operation[ServiceInfo]:
    """Change what is named of a service; an admin token is needed. Raises `ValueError` for what is no name."""
    return Operation("PATCH", _target(name), json_reader(ServiceInfo.from_json), body={"json": changes})


def remove_service(name: str) -> Operation[None]:
    """Delete a service; an admin token is needed. Raises `ValueError` for what is no name."""
    return Operation("DELETE", _target(name), json_reader(read_done))


def call_to_test(name: str, path: str) -> Operation[ServiceTest]:
    """Call a service once to see whether its credential is accepted. Raises `ValueError` for what is no name."""
    target = proxy(name, "GET", path, json=None, data=None, headers=None, params=None).target
    return Operation("GET", target, service_test, service=name)


def _target(name: str) -> str:
    check_service_name(name)
    return f"/services/{name}"
