"""Settings: one TOML file, validated, with defaults for everything."""
