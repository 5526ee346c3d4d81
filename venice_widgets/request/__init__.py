"""What is sent: the catalogue, the fields and their limits, the body, the price."""
