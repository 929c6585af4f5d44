# SPDX-License-Identifier: Apache-2.0
"""Capture: what a run is, recorded while it runs. Nothing here may break or change the run."""
