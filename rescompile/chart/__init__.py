"""Networks as points of a chart: any two figures of their reports, drawn by matplotlib."""

from .chart import Chart, chart, plot
from .save import SUFFIXES, save

__all__ = ["SUFFIXES", "Chart", "chart", "plot", "save"]
