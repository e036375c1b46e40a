"""The probe: which layer of a network is in trouble, how sure that is, and what would help."""
