"""Data sets: fetched, verified, loaded."""
