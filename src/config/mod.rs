//! neural-config.yaml, flags and environment to one validated configuration.
