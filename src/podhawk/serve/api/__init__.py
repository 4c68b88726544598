"""The interface of the service: findings, the ledger, dead letters, health and metrics."""
