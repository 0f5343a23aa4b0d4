"""What is measured, each in a process of its own: a module offers `operations(config)`, named functions of a count."""
