//! Analyses to files: JSON, JSON Lines, manifest; atomic writes and resume.
