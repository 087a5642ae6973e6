"""What a panel shows, without Grafana: its queries asked of a running stack, their answers checked and drawn."""
