"""What ``agents skills`` and ``agents plugins`` share: the commands that change packages."""
