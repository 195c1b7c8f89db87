"""Who may do what: decision tables and pure functions. No I/O but the tables, and no clock."""
