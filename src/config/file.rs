//! The text of `neural-config.yaml`: unknown keys are refused with a suggestion.

use super::Config;
use crate::error::{Error, ErrorCode, Result};

impl Config {
    /// Parses the YAML text of a configuration file.
    ///
    /// # Errors
    /// `config.invalid` with line, column and, for an unknown key, the nearest known one.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_saphyr::from_str(text).map_err(|error| {
            let mut message = error.to_string().trim_start_matches("error: ").to_owned();
            for (program, person) in PLAIN_WORDS {
                message = message.replace(program, person);
            }
            let suggestion = suggest(&message);
            let error = Error::new(ErrorCode::ConfigInvalid, message);
            match suggestion {
                Some(known) => error.help(format!("did you mean `{known}`?")),
                None => error,
            }
        })
    }
}

/// What the parser says, and what it means to who wrote the file.
const PLAIN_WORDS: [(&str, &str); 6] = [
    ("invalid u64", "not a whole number"),
    ("invalid u32", "not a whole number"),
    ("invalid boolean", "neither true nor false"),
    ("expected mapping start", "keys and values are expected here"),
    ("expected string scalar", "one value is expected here"),
    (", set DuplicateKeyPolicy in Options if acceptable", ""),
];

/// The known key nearest to the unknown one, out of "unknown field `a`, expected one of b, c".
fn suggest(message: &str) -> Option<String> {
    let start = message.find("unknown field")?;
    let line = message[start..].lines().next()?;
    let (unknown, known) = line.split_once("expected")?;
    let unknown = unknown.split('`').nth(1)?;
    known
        .trim_start_matches(" one of")
        .split(',')
        .map(|known| known.trim().trim_matches('`'))
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len().max(unknown.len()) / 2)
        .map(|(_, known)| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_name_the_nearest() {
        let error = Config::parse("performance:\n  cache_sise: 1GB\n").unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigInvalid);
        assert_eq!(error.remedy(), Some("did you mean `cache_size`?"), "{error}");
        assert!(error.to_string().contains("cache_sise"), "{error}");
    }

    #[test]
    fn wrong_values_say_what_is_expected() {
        let error = Config::parse("performance:\n  cache_size: lots\n").unwrap_err();
        assert!(error.to_string().contains("not a size"), "{error}");
        assert!(Config::parse("models:\n  finbert:\n    quantization_mode: magic\n").is_err());
    }

    #[test]
    fn messages_are_for_who_wrote_the_file() {
        for (text, said) in [
            ("analyze: {jobs: two}", "not a whole number"),
            ("analyze: {max_pages: -1}", "not a whole number"),
            ("performance: {enable_profiling: maybe}", "neither true nor false"),
            ("analyze: 5", "keys and values are expected here"),
            ("analyze: {jobs: [2]}", "one value is expected here"),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("u64"), "{error}");
        }
        let error = Config::parse("analyze: {jobs: 2}\nanalyze: {jobs: 3}").unwrap_err().to_string();
        assert!(error.contains("duplicate") && !error.contains("Policy"), "{error}");
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert!(Config::parse("\n").unwrap() == Config::default());
        assert!(Config::parse("# only a comment\n").is_ok());
    }
}
