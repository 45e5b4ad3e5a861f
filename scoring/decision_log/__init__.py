"""What was decided and done, in DynamoDB."""
