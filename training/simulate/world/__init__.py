"""What a synthetic organization consists of: accounts, teams, resources, principals, who shares with whom."""
