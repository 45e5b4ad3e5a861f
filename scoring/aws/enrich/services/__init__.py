"""One module a service: what is asked for its resources, and with which IAM actions."""
