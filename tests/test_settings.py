"""Settings: each is documented, has a description, and is read from the environment or refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.errors import ServiceError
from registry.settings import PROJECT_ROOT, Settings, settings

DOCUMENT = PROJECT_ROOT / "docs" / "settings.md"
FIELDS = sorted(Settings.model_fields)


@pytest.fixture(autouse=True)
def _no_settings_but_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in FIELDS:
        monkeypatch.delenv(variable(name), raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def variable(field: str) -> str:
    return "COUNTERFOIL_" + field.upper()


def documented() -> dict[str, list[str]]:
    """The cells behind each variable's name in the table."""
    rows = re.findall(r"^\| `(COUNTERFOIL_\w+)` \|(.*)\|$", DOCUMENT.read_text(), re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}


def test_the_document_lists_every_setting_and_no_other() -> None:
    assert sorted(documented()) == sorted(variable(name) for name in FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_a_setting_is_described_in_code_and_document(name: str) -> None:
    assert Settings.model_fields[name].description
    assert all(documented()[variable(name)])
    assert len(documented()[variable(name)]) == 3


@pytest.mark.parametrize("name", FIELDS)
def test_the_document_tells_the_default(name: str) -> None:
    default = Settings.model_fields[name].default
    said = documented()[variable(name)][0]
    if name == "home":
        assert "`.counterfoil`" in said
        assert Settings().home == PROJECT_ROOT / ".counterfoil"
    elif default is None:
        assert said.startswith("unset: ")
    else:
        assert said == str(default)


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COUNTERFOIL_HOME", str(tmp_path))
    monkeypatch.setenv("COUNTERFOIL_API_PORT", "0")
    assert settings().home == tmp_path
    assert settings().api_port == 0
    assert settings() is settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_port", "http"),
        ("api_port", "65536"),
        ("api_port", "-1"),
        ("ready_lag_blocks_max", "-1"),
        ("ready_lag_blocks_max", "1.5"),
    ],
)
def test_a_setting_that_cannot_be_read_is_refused_and_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(variable(name), value)
    with pytest.raises(ServiceError) as refused:
        settings()
    assert refused.value.code == "settings_malformed"
    assert variable(name) in refused.value.detail
    assert "docs/settings.md" in refused.value.hint


def test_a_refused_setting_does_not_repeat_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    # A password that slipped into the wrong variable must not reach a log.
    monkeypatch.setenv(variable("api_port"), "postgresql://user:secret@host/db")
    with pytest.raises(ServiceError) as refused:
        settings()
    assert "secret" not in str(refused.value)


def test_without_a_checkout_the_home_is_in_the_users_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("registry.settings.PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert Settings().home == Path("/data/counterfoil")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert Settings().home == Path.home() / ".local" / "share" / "counterfoil"
