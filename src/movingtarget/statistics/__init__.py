"""Statistics that claims, figures and report share: intervals, best rates, rows, ranks."""
