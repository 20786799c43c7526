"""Generated indoor rooms with exact depth, for demonstrations, tests and smoke runs."""

from depthkit.datasets.rooms.dataset import Rooms

__all__ = ["Rooms"]
