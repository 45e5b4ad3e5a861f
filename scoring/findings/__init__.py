"""What AWS says: findings of every shape read into one, their context, and the record of both."""
