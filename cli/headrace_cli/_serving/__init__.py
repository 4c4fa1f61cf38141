"""An agent behind HTTP: requests become inputs of the local engine, and outputs its answers."""
