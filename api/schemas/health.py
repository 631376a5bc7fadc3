"""What the service says about itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.common import BlockOut, InstantText, Model


class IndexOut(Model):
    """What is here."""

    name: Literal["Counterfoil"]
    version: str = Field(examples=["0.1.0"])
    links: dict[str, str] = Field(examples=[{"receivables": "/v1/receivables"}])


class HealthOut(Model):
    """The process lives."""

    status: Literal["alive"]


class ReconciliationOut(Model):
    """The last comparison of the mirror with the chain."""

    block_number: int = Field(ge=0)
    deep: bool = Field(description="Whether every field was compared, or the journal heads alone.")
    compared: int = Field(ge=0, description="Values compared.")
    differences: int = Field(ge=0)
    finished_at: InstantText


class ReadyOut(Model):
    """Answers are up to date and agree with the chain."""

    status: Literal["ready"]
    node_block: int = Field(ge=0, description="Newest block of the node.")
    lag_blocks: int = Field(ge=0, description="Blocks that the mirror has not taken yet.")
    last_reconciliation: ReconciliationOut | None
    as_of_block: BlockOut
