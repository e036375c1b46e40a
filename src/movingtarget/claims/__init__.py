"""The registered claims: checked before a run, judged after it."""
