"""Install weights and packages, and report what is installed."""
