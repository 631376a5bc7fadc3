"""A real node, spoiled on the way: what stands between the mirror and Anvil in tests of what may go wrong."""

from tests.faults.kinds import Faults
from tests.faults.proxy import FaultyNode

__all__ = ["Faults", "FaultyNode"]
