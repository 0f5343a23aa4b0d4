"""The rows of the table, one module each: a generator of figures."""
