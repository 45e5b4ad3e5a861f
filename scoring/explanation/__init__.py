"""A decision in words: the content of alerts, of the review page and of the terminal, with its layout."""
