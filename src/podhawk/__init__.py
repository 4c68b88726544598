"""Kubernetes audit-log threat detection that speaks SPL."""

__version__ = "0.1.0"
