"""Projects: people with roles, settings and a quota; how one comes into them and out again."""
