"""The decision log: what was decided and done, in DynamoDB or in a local file."""
