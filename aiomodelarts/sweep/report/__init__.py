"""The report of a sweep: one HTML file, from its ledger alone."""

from .data import Aim, ReportData
from .page import page

__all__ = ["Aim", "ReportData", "page"]
