"""Small real trainings with both frameworks on scikit-learn's digits, each with a different diagnosis."""

from bvtrack_demo.needs import missing_packages
from bvtrack_demo.runs import RUNS, DemoRun, run_demo

__all__ = ["RUNS", "DemoRun", "missing_packages", "run_demo"]
