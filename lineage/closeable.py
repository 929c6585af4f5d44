# SPDX-License-Identifier: Apache-2.0
"""What is closed at the end of a ``with``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closeable(ABC):
    """Mixed into what holds a file or a connection: the end of a ``with`` closes it."""

    @abstractmethod
    def close(self) -> None:
        """Release what is held; calling it twice is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
