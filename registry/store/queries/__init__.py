"""Every SELECT that is not the mirror's own: a module per noun, frozen rows, pages by key.

A query takes the connection of a snapshot (`Database.snapshot()`), so that everything read on it is true at one block,
the one that `health.cursor` names. Lists start from `visibility.visible_to`.
"""

from sqlalchemy import Connection

__all__ = ["Connection"]
