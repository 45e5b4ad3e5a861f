"""Where Access Analyzer is reached; moto reads these two names."""

from embedded.access_analyzer.responses import AccessAnalyzerResponse

url_bases = [r"https?://access-analyzer\.(.+)\.amazonaws\.com"]
url_paths = {"{0}/.*$": AccessAnalyzerResponse.dispatch}
