"""Grafana panels as functions, on the records alone; where they stand on the board is the dashboard's matter."""
