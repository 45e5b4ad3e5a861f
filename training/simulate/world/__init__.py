"""What a synthetic organization consists of."""
