"""Small synthetic tables."""

from drawing_cases import moving_target, on_a_line

__all__ = ["moving_target", "on_a_line"]
