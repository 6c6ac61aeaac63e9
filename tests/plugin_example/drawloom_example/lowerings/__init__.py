"""How the operation lowers: a file a backend."""
