"""vtax: what virtualization costs, in firmware and in software, on modelled System p machines."""

__version__ = "0.1.0"
