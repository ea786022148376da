"""The wheel and the sdist: built, installed beside nothing but what they ask for, and used."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

PROJECT = Path(__file__).parents[1]

USE = """
import asyncio, sys
from vault_proxy import AsyncVaultClient, VaultClient

addr, site = sys.argv[1:]
import vault_proxy
assert vault_proxy.__file__.startswith(site), vault_proxy.__file__
with VaultClient(addr, token="") as vault:
    assert vault.health() == "locked"
    token = vault.unlock("correct horse battery staple").id
    assert vault.list_services() == []
    auth = {"type": "bearer", "token": "k" * 20}
    vault.add_service({"name": "a", "base_url": "https://api.example.com", "auth": auth})

async def main():
    async with AsyncVaultClient(addr, token) as vault:
        print([service.name for service in await vault.list_services()])

asyncio.run(main())
"""

TYPED = """
from vault_proxy import ServiceDefinition, VaultClient

right: ServiceDefinition = {"name": "a", "base_url": "https://a.example", "auth": {"type": "bearer", "token": "k"}}
names: list[str] = [service.name for service in VaultClient().list_services()]
wrong: ServiceDefinition = {"name": "a", "auth": {"type": "bearer", "tokn": "k"}}
number: int = VaultClient().health()
"""


def run(*command: str | Path) -> str:
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build the sdist, and from it the wheel."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, PROJECT)
    (sdist,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def site_packages(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a new environment with the wheel, and copies of what it asks for from this environment: no network."""
    environment = tmp_path_factory.mktemp("clean") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    (site,) = environment.glob("lib/python*/site-packages")
    for needed in closure(distribution("vault-proxy").requires or []).values():
        for file in needed.files or []:
            if ".." in file.parts or file.suffix == ".pyc":
                continue
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(str(file.locate())).read_bytes())
    pip = (sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-index", built[1])
    assert "No broken requirements" in run(*pip, "check")
    return site


def closure(requirements: Iterable[str]) -> dict[str, Distribution]:
    """Give what the requirements ask for, without extras, and what that asks for in turn."""
    found: dict[str, Distribution] = {}
    queue = list(requirements)
    while queue:
        requirement = Requirement(queue.pop())
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name not in found:
            found[requirement.name] = distribution(requirement.name)
            queue.extend(found[requirement.name].requires or [])
    return found


def python_of(site_packages: Path) -> Path:
    return site_packages.parents[2] / "bin" / "python"


def test_the_sdist_has_sources_tests_readme_and_licence(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    kept = {
        str(path.relative_to(PROJECT))
        for folder in ("src", "tests")
        for path in (PROJECT / folder).rglob("*")
        if path.suffix in (".py", ".typed")
    }
    more = {"README.md", "LICENSE", "pyproject.toml", "PKG-INFO"}
    assert kept | more <= names
    assert names - kept - more <= {".gitignore"}


def test_the_wheel_has_the_package_its_types_and_licence_and_nothing_else(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as archive:
        names = archive.namelist()
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith("/METADATA"))
    sources = {str(path.relative_to(PROJECT / "src")) for path in (PROJECT / "src").rglob("*") if path.suffix == ".py"}
    assert {name for name in names if ".dist-info/" not in name} == sources | {"vault_proxy/py.typed"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert "License-Expression: MIT" in metadata
    assert "# vault-proxy for Python" in metadata
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra" not in line]
    assert sorted(line.split()[1].split("<")[0].split(">")[0] for line in required) == ["anyio", "httpcore", "httpx"]
    assert built[1].stat().st_size < 100_000


def test_the_installed_wheel_works_with_what_it_asks_for_alone(site_packages: Path, vault_addr: str) -> None:
    assert run(python_of(site_packages), "-I", "-W", "error", "-c", USE, vault_addr, site_packages) == "['a']\n"
    there = {path.name.split("-")[0] for path in site_packages.glob("*.dist-info")}
    assert {"vault_proxy", "httpx", "anyio"} <= there
    assert not there & {"pytest", "openai", "redis"}


def test_type_checkers_see_the_types_of_the_installed_wheel(site_packages: Path, tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(TYPED)
    command = [
        *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--config-file="),
        *(f"--python-executable={python_of(site_packages)}", f"--cache-dir={tmp_path}", str(sample)),
    ]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    errors = [line.split(":", 2)[1] for line in checked.stdout.splitlines() if "error:" in line]
    assert set(errors) == {"6", "7"}, checked.stdout + checked.stderr
