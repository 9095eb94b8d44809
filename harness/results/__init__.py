"""What is stored of a campaign, and tables of it."""
