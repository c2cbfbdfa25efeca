"""Degradation and its cure: He et al. 2015 (arXiv:1512.03385), section 4.2, with emitted files."""
