"""The native stack: Throughline's parts as child processes of one launcher, without containers; not for production."""
