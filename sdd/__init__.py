"""What the project promises, decided and can show for it."""
