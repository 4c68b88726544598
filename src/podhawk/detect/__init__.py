"""From rows to what an analyst works on: findings, risk, incidents."""
