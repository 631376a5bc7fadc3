"""The command line: `counterfoil`. Tables for people, --json for programs, exit code 1 and a name for a refusal.

The heavy parts (web3, SQLAlchemy) are imported inside the commands, so that --help is quick.
"""

from __future__ import annotations

from registry.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Entry point of the console script."""
    app()
