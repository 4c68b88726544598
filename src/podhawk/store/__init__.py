"""Where findings, risk and exceptions are kept: SQL, SQLite by default, PostgreSQL by URL."""
