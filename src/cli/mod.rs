//! The command line: arguments, one file per subcommand, progress and summary.
