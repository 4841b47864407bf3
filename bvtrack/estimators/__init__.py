"""Estimators of scikit-learn and of libraries that follow it: what they are, their errors, and their learning curves."""
