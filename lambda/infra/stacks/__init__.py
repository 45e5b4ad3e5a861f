"""The stacks and the application that holds them."""
