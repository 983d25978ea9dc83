"""Probes: what is measured on generated videos as training goes."""

from kineograph.training.probes.running import Probing as Probing
from kineograph.training.probes.running import run_probes as run_probes
