"""Tripwires: signs that the audit log itself is lost, late, wrong or tampered with, told as findings."""
