"""People and teams: who asks, who is in a team with whom, whom one may find."""
