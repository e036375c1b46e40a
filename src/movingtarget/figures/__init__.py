"""Figures, one a file: tables in, figure out."""
