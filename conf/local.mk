# Example configurations and the systemd unit.
