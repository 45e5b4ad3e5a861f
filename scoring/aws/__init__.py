"""AWS as we use it: clients, what goes wrong, Access Analyzer, buckets, and the facts around a finding."""
