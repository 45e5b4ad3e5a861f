"""A person's verdict, by link, page or terminal."""
