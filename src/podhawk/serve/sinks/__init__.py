"""Sinks: where `podhawk serve` tells what becomes of findings."""
