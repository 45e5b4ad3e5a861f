"""Offline work: history, training, calibration, backtests, and a synthetic organization to try them on."""
