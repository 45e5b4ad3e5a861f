"""What a change would expose, read before it is made: as the findings that Access Analyzer would raise."""
