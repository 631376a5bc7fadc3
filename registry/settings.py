"""Settings: one class, read from the environment (COUNTERFOIL_*), every field with its unit and a description."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def default_home() -> Path:
    """Where a checkout keeps its state: inside it, or, for root, under /var/lib where PostgreSQL's user can reach it."""
    if os.geteuid() != 0:
        return PROJECT_ROOT / ".counterfoil"
    digest = hashlib.sha256(str(PROJECT_ROOT).encode()).hexdigest()[:8]
    return Path("/var/lib/counterfoil") / f"{PROJECT_ROOT.name}-{digest}"


class Settings(BaseSettings):
    """Everything an operator may set; docs/settings.md lists each field (a test holds the two together)."""

    model_config = SettingsConfigDict(env_prefix="COUNTERFOIL_", extra="ignore")

    home: Path = Field(default_factory=default_home, description="Folder for keys, chain state, database and logs.")
    database_url: str | None = Field(
        default=None, description="PostgreSQL URL (postgresql://...). Unset: the embedded PostgreSQL in home."
    )
    rpc_url: str | None = Field(default=None, description="JSON-RPC URL of the chain. Unset: the own dev chain in home.")


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
