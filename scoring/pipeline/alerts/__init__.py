"""How a person hears of a finding: mail, chat, digest."""
