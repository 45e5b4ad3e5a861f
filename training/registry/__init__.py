"""Model versions in a folder or a bucket: list, promote, roll back."""
