"""The console command `depthkit`; one module for each subcommand."""
