"""Pure functions on the merged table: they read no file, draw nothing and print nothing."""
