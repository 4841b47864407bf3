"""Profiles of Ray datasets, counted where their blocks lie."""

from bvtrack_ray.dataset import profile_dataset

__all__ = ["profile_dataset"]
