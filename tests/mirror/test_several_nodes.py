"""A mirror with several URLs does not stay with a node that is wrong, behind, or stands still."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from registry.chain.rpc import Block, BlockTag, CallReverted, Node, Tips
from registry.domain.keccak import keccak256
from registry.mirror import follower as following
from registry.mirror.follower import Move
from registry.store.database import Database
from tests.mirror.following import follower_of, running, until
from tests.scene import Scene


class Two(Node):
    """The same chain behind two URLs; of the first one `wrong` says how it is told."""

    wrong = ""
    stands_at = 0

    def __init__(self, url: str) -> None:
        super().__init__(url, url.replace("127.0.0.1", "localhost"))
        self.first = url

    def tips(self) -> Tips:
        if not self.is_wrong("stands still", "behind", "another chain", "reverts", "a bug"):
            return super().tips()
        if self.wrong == "reverts":
            raise CallReverted(b"")
        if self.wrong == "a bug":
            raise RuntimeError("of ours")
        found = Node.block(self, "latest" if self.wrong == "another chain" else self.stands_at)
        assert found is not None
        return replace(super().tips(), latest=self.told(found))

    def block(self, which: int | bytes | BlockTag) -> Block | None:
        return self.told(super().block(which))

    def blocks(self, numbers: Iterable[int]) -> list[Block | None]:
        return [self.told(block) for block in super().blocks(numbers)]

    def told(self, block: Any) -> Any:
        if block is None or not self.is_wrong("behind", "another chain"):
            return block
        if self.wrong == "behind":
            return block if block.number <= self.stands_at else None
        return replace(block, hash=keccak256(block.hash), parent_hash=keccak256(block.parent_hash))

    def is_wrong(self, *how: str) -> bool:
        return self.url == self.first and self.wrong in how


@pytest.mark.parametrize("wrong", ["another chain", "reverts", "a bug", "behind", "stands still"])
def test_another_node_is_asked_where_one_is_of_no_use(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setattr(following, "BEHIND_SECONDS", 0)
    monkeypatch.setattr(following, "STILL_SECONDS_FIRST", 0)
    monkeypatch.setattr(following, "STILL_SECONDS_MAX", 0)
    scene.mine(5)
    node = Two(scene.node.url)
    follower = follower_of(scene, database, node=node, owns_chain=False)
    cursor = follower.catch_up()
    scene.mine(3)
    # The one that is behind has not even what is mirrored.
    node.stands_at, node.wrong = cursor.number - (wrong == "behind"), wrong
    with running(follower) as (steps, _):
        until(lambda: steps and steps[-1].cursor.number == scene.node.head(), seconds=20)
    assert Move.REWOUND not in {step.move for step in steps}


def test_where_all_stand_still_the_node_that_is_asked_stays(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "STILL_SECONDS_FIRST", 0)
    node = Two(scene.node.url)
    with closing(follower_of(scene, database, node=node)) as follower:
        follower.catch_up()
        asked: list[str] = []
        tips = Node.tips

        def noted(self: Node) -> Tips:
            asked.append(self.url)
            return tips(self)

        monkeypatch.setattr(Node, "tips", noted)
        for _ in range(3):
            follower._look_elsewhere(follower.step())
        assert node.url == node.first
        assert len(set(asked)) == 2
