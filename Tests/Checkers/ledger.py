"""The ledger, read from beside the service through a copy that SQLite makes."""
