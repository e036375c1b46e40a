"""Estimators of mutual information, one a file, behind one signature."""
