"""Profiles of Spark DataFrames, counted where their partitions lie."""

from bvtrack_spark.dataframe import profile_dataframe

__all__ = ["profile_dataframe"]
