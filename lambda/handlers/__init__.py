"""Lambda entry points: parse settings, build clients, call one function of `scoring`."""
