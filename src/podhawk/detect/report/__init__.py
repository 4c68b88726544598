"""Findings for people and programs: JSON, explanations, tuning, comparisons, drilldowns."""
