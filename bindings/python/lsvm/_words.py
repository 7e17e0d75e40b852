# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all enums share: the words that YAML, JSON, the command line and the C library use."""
import enum
import re

from ._library import library


def _function(cls, what):
    tag = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
    return getattr(library(), f"lsvm_{tag}_{what}")


class _Named:
    @property
    def word(self):
        """The library's word for it, e.g. 'direct' for Forwarding.DIRECT."""
        return _function(type(self), "name")(int(self)).decode()

    @classmethod
    def parse(cls, word):
        """The value of the word; ValueError when there is none."""
        value = _function(cls, "parse")(word.encode())
        if not value:
            raise ValueError(f"'{word}' is no word of {cls.__name__}")
        return cls(value)


class Words(_Named, enum.IntEnum):
    """One of some values."""


class Flags(_Named, enum.IntFlag):
    """Any of some values together; word and parse are for one of them."""
