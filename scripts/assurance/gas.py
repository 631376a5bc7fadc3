"""Gas of every operation against the committed snapshot: `python -m scripts.assurance.gas`."""

from __future__ import annotations

import json
import sys

from scripts.assurance.parts import fail, held
from scripts.bench import gas


def main() -> int:
    """Print what differs; any difference, to more or to less, is one that nobody has looked at."""
    measured = gas.measured()
    if not measured:
        fail("nothing was measured")
    snapshot: dict[str, int] = json.loads(gas.SNAPSHOT.read_text())
    changed = [name for name in sorted(measured.keys() | snapshot) if measured.get(name) != snapshot.get(name)]
    for name in changed:
        sys.stdout.write(f"{name}: {snapshot.get(name)} in the snapshot, {measured.get(name)} now\n")
    above = gas.missed(measured)
    for line in above:
        sys.stdout.write(f"{line}\n")
    if changed or above:
        fail(f"{len(measured)} figures: {len(changed)} differ from the snapshot, {len(above)} are above their targets")
    held(f"{len(measured)} figures as in the snapshot, {len(gas.TARGETS)} targets kept")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
