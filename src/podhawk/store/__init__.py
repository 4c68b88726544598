"""The state in SQL: SQLite in a folder, PostgreSQL by URL."""
