"""The only code that asks or changes AWS, but for the decision log and the alerts."""
