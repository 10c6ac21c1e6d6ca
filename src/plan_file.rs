//! Plan files: YAML to engine plans, every error with its place.
