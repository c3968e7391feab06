"""Results as views in a panel and as static HTML."""
