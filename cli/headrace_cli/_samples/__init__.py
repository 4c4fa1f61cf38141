"""What the commands of ``agents samples`` share."""
