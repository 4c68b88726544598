"""One search over events: its clause as code, the rows it sees, what it keeps and what it could not see."""
