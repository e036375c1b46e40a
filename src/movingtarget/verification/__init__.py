"""A new run set beside one that was kept: what is identical, what lies within chance, what is different."""
