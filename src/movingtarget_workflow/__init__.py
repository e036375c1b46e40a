"""What the workflow needs beyond rules: settings, the sources of a rule, a job's log."""
