"""The report of a sweep: one HTML file, from its ledger alone."""

from .data import ReportData
from .page import page

__all__ = ["ReportData", "page"]
