"""The verification report of a campaign: one HTML file that needs nothing but a browser."""
