"""Wakes those who watch leaderboards of this process."""

from services.runtime import news


class News(news.News):
    """Boards have changed: look again; at the end, for the last time."""

    def __init__(self) -> None:
        super().__init__()
        self.over = False

    def end(self) -> None:
        """The service leaves: wake everybody, and whoever comes after."""
        self.over = True
        self._next.set()
