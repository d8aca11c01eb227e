//! What a number in prose counts: "employees", "shares of common stock", "12-month".

use super::lexer::Tokens;
use super::periods::month_of;

/// Whether the words from `at` name a unit ("2,024 employees").
pub(super) fn is_counted(tokens: &Tokens<'_>, at: usize) -> bool {
    unit_after(tokens, at, false).is_some() && !matches!(tokens.word(at).as_str(), "annual" | "common")
}

/// The thing counted, within three words: "employees", "full-time employees", "shares of common stock",
/// "12-month". With `any_plural`, any word in the plural will do.
pub(super) fn unit_after(tokens: &Tokens<'_>, at: usize, any_plural: bool) -> Option<(String, usize)> {
    const GAP: usize = 3;
    let mut next = at;
    if tokens.is_symbol(next, '-') && !tokens.spaced(next) && !tokens.spaced(next + 1) {
        next += 1; // "12-month"
    }
    for step in 0..=GAP {
        let word = tokens.word(next);
        if word.is_empty() || FUNCTION_WORDS.contains(&word.as_str()) || month_of(&word).is_some() {
            return None;
        }
        if matches!(word.as_str(), "square" | "cubic")
            && matches!(tokens.word(next + 1).as_str(), "feet" | "foot" | "meters" | "metres")
        {
            return Some((format!("{word} {}", tokens.word(next + 1)), next + 2));
        }
        let plural = UNITS
            .iter()
            .find(|(singular, plural)| *singular == word || *plural == word)
            .map(|(_, plural)| *plural);
        if let Some(unit) = plural {
            return Some((unit.to_owned(), next + 1));
        }
        if any_plural
            && word.len() > 3
            && word.ends_with('s')
            && !word.ends_with("ss")
            && !word.ends_with("ous")
        {
            return Some((word, next + 1));
        }
        // Words between number and unit are in small letters.
        if step == GAP || tokens.text_at(next).starts_with(char::is_uppercase) {
            return None;
        }
        next += 1;
        if tokens.is_symbol(next, '-') && !tokens.spaced(next) {
            next += 1;
        }
    }
    None
}

/// Units with their plural.
const UNITS: &[(&str, &str)] = &[
    ("acre", "acres"),
    ("anställd", "anställda"),
    ("beschäftigter", "beschäftigte"),
    ("collaborateur", "collaborateurs"),
    ("empleado", "empleados"),
    ("empregado", "empregados"),
    ("employé", "employés"),
    ("funcionário", "funcionários"),
    ("medarbejder", "medarbejdere"),
    ("medewerker", "medewerkers"),
    ("mitarbeiter", "mitarbeiter"),
    ("salarié", "salariés"),
    ("dipendente", "dipendenti"),
    ("account", "accounts"),
    ("aircraft", "aircraft"),
    ("associate", "associates"),
    ("barrel", "barrels"),
    ("basis", "bases"),
    ("branch", "branches"),
    ("bushel", "bushels"),
    ("client", "clients"),
    ("company", "companies"),
    ("country", "countries"),
    ("customer", "customers"),
    ("day", "days"),
    ("dealer", "dealers"),
    ("director", "directors"),
    ("employee", "employees"),
    ("facility", "facilities"),
    ("foot", "feet"),
    ("gallon", "gallons"),
    ("gigawatt", "gigawatts"),
    ("gwh", "gwh"),
    ("hectare", "hectares"),
    ("holder", "holders"),
    ("home", "homes"),
    ("hour", "hours"),
    ("household", "households"),
    ("kilogram", "kilograms"),
    ("kilometer", "kilometers"),
    ("kilometre", "kilometres"),
    ("location", "locations"),
    ("loan", "loans"),
    ("megawatt", "megawatts"),
    ("member", "members"),
    ("mile", "miles"),
    ("minute", "minutes"),
    ("month", "months"),
    ("mw", "mw"),
    ("mwh", "mwh"),
    ("office", "offices"),
    ("option", "options"),
    ("ounce", "ounces"),
    ("patent", "patents"),
    ("people", "people"),
    ("person", "persons"),
    ("plant", "plants"),
    ("point", "points"),
    ("pound", "pounds"),
    ("property", "properties"),
    ("quarter", "quarters"),
    ("record", "records"),
    ("restaurant", "restaurants"),
    ("rsu", "rsus"),
    ("segment", "segments"),
    ("share", "shares"),
    ("site", "sites"),
    ("state", "states"),
    ("stockholder", "stockholders"),
    ("shareholder", "shareholders"),
    ("store", "stores"),
    ("student", "students"),
    ("subscriber", "subscribers"),
    ("subsidiary", "subsidiaries"),
    ("supplier", "suppliers"),
    ("teu", "teu"),
    ("ton", "tons"),
    ("tonne", "tonnes"),
    ("transaction", "transactions"),
    ("trillion", "trillion"),
    ("unit", "units"),
    ("user", "users"),
    ("vehicle", "vehicles"),
    ("vessel", "vessels"),
    ("warrant", "warrants"),
    ("week", "weeks"),
    ("well", "wells"),
    ("worker", "workers"),
    ("year", "years"),
];

/// Words that end the search for a unit.
const FUNCTION_WORDS: &[&str] = &[
    "a",
    "after",
    "also",
    "among",
    "an",
    "and",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "between",
    "but",
    "by",
    "compared",
    "due",
    "during",
    "except",
    "excluding",
    "for",
    "from",
    "had",
    "has",
    "have",
    "if",
    "in",
    "includes",
    "including",
    "into",
    "is",
    "it",
    "its",
    "less",
    "may",
    "more",
    "nor",
    "not",
    "of",
    "on",
    "or",
    "other",
    "our",
    "over",
    "plus",
    "respectively",
    "since",
    "so",
    "such",
    "than",
    "that",
    "the",
    "their",
    "these",
    "this",
    "those",
    "through",
    "to",
    "under",
    "unless",
    "until",
    "up",
    "upon",
    "versus",
    "vs",
    "was",
    "we",
    "were",
    "when",
    "where",
    "which",
    "while",
    "who",
    "will",
    "with",
    "within",
    "without",
    "would",
];
