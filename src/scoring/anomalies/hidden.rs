//! Text that a program reads and a reader does not see.

use std::collections::{BTreeMap, HashMap};

use super::{LISTED, count, evidence, finding};
use crate::document::findings::{Anomaly, Evidence, Severity};
use crate::document::{BBox, Page, Points, TextSource, Word};

/// Text below this size, in points, cannot be read on paper.
const TINY: f32 = 2.0;
/// Letters and digits below which a hidden scrap is left alone.
const FEWEST_CHARACTERS: usize = 6;
/// Hidden words from which a finding is more than worth knowing; numbers always are.
const MANY_WORDS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Mode,
    Background,
    Covered,
    Outside,
    Tiny,
}

impl Cause {
    fn of(word: &Word, page: &Page) -> Option<Self> {
        let sheet = BBox::new(0.0, 0.0, page.width, page.height);
        let on_sheet = word.bbox.intersection(&sheet).is_some();
        match word.style {
            style if style.invisible && !on_sheet => Some(Self::Outside),
            // The text layer of a scan or of a picture: made by OCR, and what makes it searchable.
            style if style.pictured => None,
            style if style.invisible => Some(Self::Mode),
            style if style.covered => Some(Self::Covered),
            _ if is_tiny(word) => Some(Self::Tiny),
            style if style.blank => Some(Self::Background),
            _ => None,
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::Mode => "drawn in an invisible mode",
            Self::Background => "in the colour of the background",
            Self::Covered => "under an image or an area painted over it",
            Self::Outside => "outside the visible page",
            Self::Tiny => "smaller than 2 points",
        }
    }
}

/// Small by its font size and by what it covers: some fonts state a size that is not the one drawn.
fn is_tiny(word: &Word) -> bool {
    let height = if word.direction.is_multiple_of(180) { word.bbox.height() } else { word.bbox.width() };
    word.font_size > 0.0 && word.font_size < TINY && height < 2.0 * TINY
}

/// Whether the same word is drawn in the same place for a reader to see, as drawing programs do with layers of text.
fn is_seen_there(word: &Word, visible: &HashMap<&str, Vec<BBox<Points>>>) -> bool {
    let middle = (word.bbox.center_x(), word.bbox.center_y());
    let here = |seen: &BBox<Points>| seen.contains_point(middle.0, middle.1);
    visible.get(word.text.as_str()).is_some_and(|places| places.iter().any(here))
}

/// Which words of a page a reader sees, and the page without the others, however many they are; `None` where there is
/// nothing to take out.
#[must_use]
pub fn without_hidden(page: &Page) -> Option<(Vec<bool>, Page)> {
    if page.text_source != TextSource::TextLayer {
        return None;
    }
    let seen: Vec<bool> = page.words.iter().map(|word| Cause::of(word, page).is_none()).collect();
    if seen.iter().all(|seen| *seen) {
        return None;
    }
    let mut visible = Page { words: Vec::new(), ..page.clone() };
    let mut starts_line = false;
    for (word, seen) in page.words.iter().zip(&seen) {
        starts_line |= word.style.starts_line;
        if *seen {
            let mut word = word.clone();
            word.style.starts_line = starts_line;
            starts_line = false;
            visible.words.push(word);
        }
    }
    if visible.words.is_empty() {
        visible.text_source = TextSource::None;
    }
    Some((seen, visible))
}

/// In place of the text of names for a machine: all of them are one finding.
const IDENTIFIERS: &str = "identifiers";

/// Hidden words of one line.
struct Run {
    page: u32,
    bbox: BBox<Points>,
    text: String,
    words: usize,
}

/// One finding per cause and text; the same text on many pages, as templates leave it, is one finding.
pub(super) fn hidden_text<'p>(pages: impl IntoIterator<Item = &'p Page>) -> Vec<Anomaly> {
    let mut groups: BTreeMap<(Cause, String), Vec<Run>> = BTreeMap::new();
    for page in pages.into_iter().filter(|page| page.text_source == TextSource::TextLayer) {
        let causes: Vec<Option<Cause>> = page.words.iter().map(|word| Cause::of(word, page)).collect();
        if causes.iter().all(Option::is_none) {
            continue;
        }
        let mut visible: HashMap<&str, Vec<BBox<Points>>> = HashMap::new();
        for (word, _) in page.words.iter().zip(&causes).filter(|(_, cause)| cause.is_none()) {
            visible.entry(&word.text).or_default().push(word.bbox);
        }
        let mut by_cause: BTreeMap<Cause, Vec<Run>> = BTreeMap::new();
        let mut previous = None;
        for (word, cause) in page.words.iter().zip(causes) {
            let cause = cause.filter(|_| !is_seen_there(word, &visible));
            if let Some(cause) = cause {
                let runs = by_cause.entry(cause).or_default();
                match runs.last_mut() {
                    Some(run) if previous == Some(cause) && !word.style.starts_line => {
                        run.bbox = run.bbox.union(&word.bbox);
                        run.text.push(' ');
                        run.text.push_str(&word.text);
                        run.words += 1;
                    }
                    _ => runs.push(Run {
                        page: page.number,
                        bbox: word.bbox,
                        text: word.text.clone(),
                        words: 1,
                    }),
                }
            }
            previous = cause;
        }
        for (cause, runs) in by_cause {
            let (identifiers, texts): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(is_identifier);
            for (shape, runs) in [(IDENTIFIERS.to_owned(), identifiers), (shape(&texts), texts)] {
                let long = shape.chars().filter(|character| character.is_alphanumeric()).count()
                    >= FEWEST_CHARACTERS;
                if long && !runs.is_empty() {
                    groups.entry((cause, shape)).or_default().extend(runs);
                }
            }
        }
    }
    let mut found: Vec<Anomaly> = groups.into_iter().map(|((cause, _), runs)| report(cause, &runs)).collect();
    found.sort_by_key(|anomaly| anomaly.evidence.first().map(|evidence| evidence.place.page));
    found
}

/// Whether a run is names for a machine, as report systems leave them beside their sections: "PLACEHOLDER_4",
/// "_df8d5bf8-bf81-11ec-ac27-35c7f582ea00".
fn is_identifier(run: &Run) -> bool {
    run.text.split(' ').all(|word| {
        (word.len() >= 16 || word.contains('_'))
            && word.contains(|c: char| c.is_ascii_digit())
            && word.contains(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    })
}

/// The text with every number as `#`, so that page numbers and dates do not tell copies apart.
fn shape(runs: &[Run]) -> String {
    let mut shape = String::new();
    for character in runs.iter().flat_map(|run| run.text.chars()) {
        if !character.is_numeric() {
            shape.extend(character.to_lowercase());
        } else if !shape.ends_with('0') || shape.len() < FEWEST_CHARACTERS {
            shape.push('0');
        }
    }
    shape
}

fn report(cause: Cause, runs: &[Run]) -> Anomaly {
    let words: usize = runs.iter().map(|run| run.words).sum();
    let mut pages: Vec<u32> = runs.iter().map(|run| run.page).collect();
    pages.dedup();
    let identifiers = runs.iter().all(is_identifier);
    let numbers = runs.iter().any(|run| run.text.contains(|c: char| c.is_ascii_digit()));
    let severity = if cause != Cause::Outside && !identifiers && (numbers || words >= MANY_WORDS) {
        Severity::Warning
    } else {
        Severity::Info
    };
    let listed =
        if runs.len() > LISTED { format!("; the first {LISTED} places are listed") } else { String::new() };
    let on = if let [page] = pages[..] { format!("page {page}") } else { format!("{} pages", pages.len()) };
    let message = format!(
        "{} on {on} {} {}: a program reads what a reader does not see{listed}",
        count(words, "word"),
        if words == 1 { "is" } else { "are" },
        cause.says()
    );
    let places: Vec<Evidence> =
        runs.iter().map(|run| evidence(run.page, run.bbox, run.text.as_str())).collect();
    finding("hidden_text", severity, message, places)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{page, word};
    use super::*;

    #[test]
    fn names_for_machines_are_one_finding_and_text_beside_them_is_its_own() {
        let page_of = |number: u32, texts: &[&str]| {
            let words = texts.iter().enumerate().map(|(at, text)| {
                let mut word = word(text, 40.0, 100.0 + 20.0 * at as f32);
                word.style.starts_line = true;
                word.style.invisible = *text != "seen";
                word
            });
            page(number, words.collect())
        };
        let pages = [
            page_of(1, &["seen", "_df8d5bf8-bf81-11ec-ac27-35c7f582ea00", "PLACEHOLDER_4"]),
            page_of(2, &["seen", "PLACEHOLDER_5", "Net loss of 4,512"]),
            page_of(3, &["seen", "_ca107d4e-c375-11ec-a8d6-d0221283ea00"]),
        ];
        let found = hidden_text(&pages);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].message.starts_with("4 words on 3 pages") && found[0].severity == Severity::Info);
        assert!(found[1].message.starts_with("1 word on page 2") && found[1].severity == Severity::Warning);
    }

    #[test]
    fn what_is_drawn_twice_in_one_place_hides_nothing() {
        let mut twice = [word("Forecast", 40.0, 100.0), word("Forecast", 40.5, 100.0)];
        twice[0].style.invisible = true;
        let mut elsewhere = twice.clone();
        elsewhere[1].bbox = word("Forecast", 40.0, 300.0).bbox;
        assert!(hidden_text(&[page(1, twice.to_vec())]).is_empty());
        assert_eq!(hidden_text(&[page(1, elsewhere.to_vec())]).len(), 1);
        // It is not read twice for all that.
        assert!(without_hidden(&page(1, twice.to_vec())).is_some());
    }

    #[test]
    fn hidden_words_are_taken_out_however_many_they_are() {
        let mut words: Vec<Word> = ["Sales", "were", "4,512", "in", "2024"]
            .iter()
            .enumerate()
            .map(|(at, text)| word(text, 40.0 + 50.0 * at as f32, 100.0))
            .collect();
        words[0].style.starts_line = true;
        assert!(without_hidden(&page(1, words.clone())).is_none());
        words[0].style.blank = true;
        words[2].style.invisible = true;
        let (seen, visible) = without_hidden(&page(1, words.clone())).expect("two hidden words");
        assert_eq!(seen, [false, true, false, true, true]);
        let texts: Vec<&str> = visible.words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["were", "in", "2024"]);
        assert!(visible.words[0].style.starts_line && !visible.words[1].style.starts_line);
        words.iter_mut().for_each(|word| word.style.invisible = true);
        let (_, nothing) = without_hidden(&page(1, words.clone())).expect("all words are hidden");
        assert!(nothing.words.is_empty() && nothing.text_source == TextSource::None);
        words.iter_mut().for_each(|word| word.style.pictured = true);
        assert!(without_hidden(&page(1, words)).is_none(), "the text layer of a scan");
    }
}
