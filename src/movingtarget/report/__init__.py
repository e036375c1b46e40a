"""From tables to verdicts, prose and pages."""
