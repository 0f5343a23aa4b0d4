"""Optional modules over public names only; each is imported by name and asks for its own extra."""
