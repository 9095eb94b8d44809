"""The verification report of a campaign: one HTML file that needs nothing but a browser."""

import logging

# Where the home directory cannot be written, it advises about its cache; fonts are found anyhow.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
