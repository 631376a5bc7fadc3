"""Settings: one class, read from the environment (COUNTERFOIL_*), every field with its unit and a description."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from registry.domain.identifiers import Address, IdMalformed, parse_address
from registry.errors import ServiceError

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def default_home() -> Path:
    """Where the registry keeps its state: inside the checkout, or in the user's data folder where there is none."""
    if (PROJECT_ROOT / "pyproject.toml").exists():
        return PROJECT_ROOT / ".counterfoil"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "counterfoil"


class SettingsMalformed(ServiceError):
    """A variable of the environment holds what its setting cannot be."""

    code = "settings_malformed"
    status = 500
    title = "A setting cannot be read"
    default_hint = "docs/settings.md lists every setting with its unit"


class Settings(BaseSettings):
    """Everything an operator may set; docs/settings.md lists each field (a test holds the two together)."""

    model_config = SettingsConfigDict(env_prefix="COUNTERFOIL_", extra="ignore")

    home: Path = Field(default_factory=default_home, description="Folder for keys, chain state, database and logs.")
    database_url: str | None = Field(
        default=None, description="PostgreSQL URL (postgresql://...). Unset: the embedded PostgreSQL in home."
    )
    rpc_url: str | None = Field(
        default=None,
        description="JSON-RPC URL of the chain, or several with blanks between them: where one does not answer the "
        "next is asked. Unset: the own dev chain in home.",
    )
    heads_url: str | None = Field(
        default=None,
        description="Where the node announces new blocks: ws://, wss:// or the path of its IPC socket; `none` for "
        "nowhere. Unset: WebSocket at the first rpc_url.",
    )
    mirror_follows: Literal["latest", "safe", "finalized"] = Field(
        default="latest",
        description="Up to which of the node's blocks the mirror follows: the newest, or those that it calls safe or "
        "finalized.",
    )
    confirmations: int = Field(
        default=0, ge=0, description="Blocks that the mirror stays behind the one that it follows up to."
    )
    api_port: int = Field(
        default=8642, ge=0, le=65535, description="Port of the API on 127.0.0.1; another free one where it is taken."
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#]+$",
        max_length=200,
        description="Address at which others reach the API, for the codes on printed certificates. Unset: the codes "
        "name block and journal head instead.",
    )
    ready_lag_blocks_max: int = Field(
        default=20,
        ge=0,
        description="Blocks that the mirror may be behind the one it follows up to before /ready answers 503.",
    )
    reconcile_seconds: float = Field(
        default=60,
        gt=0,
        description="Seconds between two comparisons of all heads with the contract's, at least; they take at most a "
        "twentieth of the time.",
    )
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port on 127.0.0.1 at which `counterfoil mirror` tells its figures to Prometheus. Unset: nowhere; "
        "`counterfoil serve` tells them at /metrics.",
    )
    relayer: str | None = Field(
        default=None,
        description="Account that pays for the signed operations that come to the API: a handle, a keystore, an "
        "address, operator, or dev0, dev1, … on the dev chain; its key is opened at the start. Unset: the API submits "
        "nothing.",
    )
    witnesses: str | None = Field(
        default=None,
        description="Addresses of the witnesses whose attestations the API takes, with blanks between them. Unset: it "
        "takes none.",
    )
    keystore_password_file: Path | None = Field(
        default=None, description="File with the password of the keystores in home/keys. Unset: asked at the terminal."
    )

    @field_validator("witnesses")
    @classmethod
    def _addresses(cls, value: str | None) -> str | None:
        try:
            _parsed_addresses(value)
        except IdMalformed as error:
            raise ValueError("every one is 0x and 40 hex digits, with blanks between them") from error
        return value

    @property
    def witness_addresses(self) -> tuple[Address, ...]:
        """Those of witnesses, each once, in order."""
        return _parsed_addresses(self.witnesses)

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        """The URLs of rpc_url, in order."""
        return tuple((self.rpc_url or "").replace(",", " ").split())


def _parsed_addresses(text: str | None) -> tuple[Address, ...]:
    return tuple(dict.fromkeys(parse_address(part) for part in (text or "").replace(",", " ").split()))


@cache
def settings() -> Settings:
    """The settings of this process, read once. Raises SettingsMalformed."""
    try:
        return Settings()
    except ValidationError as malformed:
        # Without the values: one of them may be a password in the wrong place.
        wrong = "; ".join(
            f"COUNTERFOIL_{'_'.join(map(str, error['loc'])).upper()}: {error['msg']}"
            for error in malformed.errors(include_url=False, include_input=False)
        )
        raise SettingsMalformed(wrong) from None
