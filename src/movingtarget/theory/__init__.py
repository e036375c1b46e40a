"""Closed forms: what the measurements must agree with."""
