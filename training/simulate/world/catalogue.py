"""What a synthetic organization is made of: names, spellings and habits, as literal tables; all invented."""

REGIONS = ("eu-west-1", "us-east-1", "eu-central-1")

TEAMS = (
    "payments", "marketing", "data-platform", "orders", "identity", "search", "logistics", "mobile",
    "web", "billing", "fraud", "analytics", "catalog", "support", "devtools", "observability",
    "machine-learning", "inventory", "pricing", "partner-api", "media", "notifications", "finance", "people",
    "checkout", "growth", "compliance", "network", "storefront", "loyalty", "returns", "shipping",
)  # fmt: skip

NOUNS = (
    "events", "exports", "archive", "assets", "reports", "imports", "audit", "cache", "backup", "ingest",
    "replica", "invoices", "sessions", "models", "feeds", "uploads", "metrics", "jobs", "artifacts", "ledger",
)  # fmt: skip

PARTNERS = (
    "Bellwether Freight", "Orrin & Vale Bank", "Tessel Print Works", "Copperline Retail",
    "Nordhaven Insurance", "Lumen Street Media", "Pell Harbour Ports", "Quarry Lane Foods",
    "Saltmarsh Energy", "Vantrell Airlines", "Widdershins Books", "Yarrowfield Clinics", "Ashgrove Hotels",
    "Brindle Motors", "Cobalt Fern Studios", "Dunmore Wholesale",
)  # fmt: skip

VENDORS = (
    "Glasspane Monitoring", "Tidewater Backups", "Hexfold Security", "Ferrowire Logs",
    "Kestrel Cost Insights", "Palimpsest Search", "Ninebark Builds", "Oxbow Data Sync", "Rookery Mail",
    "Stillwater Queues", "Thimble Support Desk", "Umbra Scanners", "Vellum Signatures", "Wickerwork CI",
    "Zephyrine Maps", "Juniper Hollow Analytics", "Larkspur Payments", "Mossgate Identity",
)  # fmt: skip

ANALYSTS = ("a.okafor", "j.lindqvist", "m.duarte", "r.banerjee", "s.whitlock")

# (OU of the account, environment that really holds there, share of the accounts that are not fixed)
UNITS = (
    ("Workloads/Prod", "prod", 0.42),
    ("Workloads/Dev", "dev", 0.3),
    ("Workloads/Staging", "staging", 0.14),
    ("Sandbox", "sandbox", 0.14),
)
FIXED_ACCOUNTS = (
    ("log-archive", "Security"),
    ("security-tooling", "Security"),
    ("shared-services", "Infrastructure"),
)

ENVIRONMENTS = ("prod", "staging", "dev", "sandbox", "shared")
ENVIRONMENT_KEYS = ("Environment", "Environment", "environment", "env", "Env")
ENVIRONMENT_SPELLINGS = {
    "prod": ("prod", "Production", "PRD"),
    "staging": ("staging", "stage", "STG"),
    "dev": ("dev", "Development", "DEV"),
    "sandbox": ("sandbox", "Sandbox", "sbx"),
    "shared": ("shared", "prod", "Shared"),
}
TEAM_KEYS = ("Team", "Team", "team", "TEAM")

DATA_CLASSES = ("none", "public", "internal", "confidential", "restricted")
DATA_CLASS_KEYS = ("Data Classification", "DataClassification", "data-classification")

GITHUB_OIDC = "token.actions.githubusercontent.com"
GITHUB_ORGANIZATION = "meridian-works"
EKS_OIDC = "oidc.eks.eu-west-1.amazonaws.com/id/5C2E81D0A7F34B9E"
GOOGLE_OIDC = "accounts.google.com"
SAML_PROVIDERS = ("CorporateSSO", "okta-legacy")

ROLE_NOUNS = (
    "deploy",
    "reader",
    "batch",
    "auditor",
    "break-glass",
    "replication",
    "pipeline",
    "etl",
    "operator",
)
USER_NOUNS = ("jenkins", "smtp", "legacy-sync", "backup", "terraform", "reporting")
