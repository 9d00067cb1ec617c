"""The report of a run: exact figures from its journals, as text, as JSON and as a page."""

from kungfu_core.report.analysis import summarize
from kungfu_core.report.html import write_html
from kungfu_core.report.summary import RunSummary
from kungfu_core.report.summary_json import summary_json
from kungfu_core.report.terminal import print_summary

__all__ = ["RunSummary", "print_summary", "summarize", "summary_json", "write_html"]
