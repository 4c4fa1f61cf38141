"""The commands, a module each; each module has one ``command``."""
