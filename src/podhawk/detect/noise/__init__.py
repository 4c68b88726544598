"""Noise classes: why a finding may not be worth a person's time."""
