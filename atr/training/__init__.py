"""One visible training loop and what it needs: settings, presets, data, state, log."""
