"""What outlives the process: files and databases. This room knows neither protocol nor GigaChat."""
