"""The experiments: settings in, rows of a results table out."""
