//! Characters to words: where words and lines end, by where characters stand, and which characters are raised marks.

use pdfium_render::prelude::FPDF_PAGEOBJECT;

use super::geometry::Frame;
use super::hidden::WordObjects;
use crate::document::{BBox, Word, WordStyle, plain_of_raised, raised};

/// Properties that all characters of one text object share.
#[derive(Clone, Copy)]
pub(super) struct ObjectStyle {
    pub(super) font: u16,
    pub(super) bold: bool,
    pub(super) italic: bool,
    pub(super) invisible: bool,
    pub(super) color: [u8; 4],
    /// Size before transformations.
    pub(super) font_size: f32,
}

pub(super) struct Glyph {
    pub(super) character: char,
    /// Ink, widened to the font's ascent and descent across the baseline.
    pub(super) bbox: BBox,
    /// From the character's origin to that of the next one, as the font has it.
    pub(super) advance: BBox,
    pub(super) font_size: f32,
    /// Height of its baseline in reading coordinates: upwards from the foot of the characters, larger is higher.
    pub(super) rise: f32,
    pub(super) direction: u16,
    pub(super) style: ObjectStyle,
    pub(super) object: FPDF_PAGEOBJECT,
    /// Whether it leaves a mark on the page.
    pub(super) has_ink: bool,
    /// Whether its font does not say what it means.
    pub(super) garbled: bool,
}

/// Distance between two characters' advances, in em, from which there may be a space between them. Justified lines
/// squeeze the space of common fonts, 0.25 to 0.28 em, down to this.
const NARROW_SPACE: f32 = 0.15;
/// Distance that most characters of a word must stay below for its wider ones to be spaces: letters may be spaced out.
const TIGHT: f32 = 0.06;

/// Distance, in em, that letters of a word may overlap by kerning.
const KERNING: f32 = 0.2;
/// Furthest, in em, that the next word of a line may be; what is further away starts a line of another column.
const SAME_LINE: f32 = 3.0;
/// Share of a word's size below which its characters are small.
const SMALL: f32 = 0.82;
/// Height above the word's baseline, in em of the word, from which small characters are raised, and from which others are.
const RAISED_SMALL: f32 = 0.12;
const RAISED: f32 = 0.22;
/// Height, in em, from which a character stands on another line.
const HIGHEST: f32 = 0.85;
/// Most characters of a mark that is a word of its own.
const LONGEST_MARK: usize = 4;

/// A character within the current word.
#[derive(Clone, Copy)]
struct Member {
    character: char,
    bbox: BBox,
    /// Distance from the end of the last character's advance to the start of this one's, in em.
    gap: f32,
    size: f32,
    /// Height of its baseline.
    rise: f32,
    /// What draws it.
    object: FPDF_PAGEOBJECT,
}

/// Size and baseline of the full-size characters of a word.
#[derive(Clone, Copy)]
struct Level {
    size: f32,
    rise: f32,
    direction: u16,
    /// Box of the word.
    bbox: BBox,
}

/// How the last character relates to the next one.
#[derive(Clone, Copy, PartialEq)]
enum Break {
    /// Nothing stands between them.
    None,
    /// A line break that pdfium made up: the next character's place says what it is.
    Generated,
}

/// Collects characters into words.
pub(super) struct WordBuilder {
    frame: Frame,
    words: Vec<Word>,
    current: Option<Word>,
    /// The characters of the current word.
    members: Vec<Member>,
    /// Box of the last character, to see jumps that the text layer has no space for.
    last: BBox,
    /// Its advance.
    last_advance: BBox,
    /// Of the last word, for marks that are words of their own.
    level: Option<Level>,
    pending: Break,
    next_starts_line: bool,
    objects: WordObjects,
}

impl WordBuilder {
    pub(super) fn new(frame: Frame) -> Self {
        Self {
            frame,
            words: Vec::new(),
            current: None,
            members: Vec::new(),
            last: BBox::new(0.0, 0.0, 0.0, 0.0),
            last_advance: BBox::new(0.0, 0.0, 0.0, 0.0),
            level: None,
            pending: Break::None,
            next_starts_line: true,
            objects: Vec::new(),
        }
    }

    /// Words so far.
    pub(super) fn count(&self) -> usize {
        self.words.len()
    }

    /// All words, and the objects that draw each.
    pub(super) fn finish(mut self) -> (Vec<Word>, WordObjects) {
        self.end_line();
        (self.words, self.objects)
    }

    pub(super) fn push(&mut self, glyph: &Glyph) {
        if std::mem::replace(&mut self.pending, Break::None) == Break::Generated {
            self.resolve(glyph);
        }
        if self.current.is_some() && self.jumps(glyph) {
            self.end_word();
        }
        let gap = if self.current.is_some() { self.gap(glyph) } else { 0.0 };
        let Glyph { character, bbox, object, font_size: size, rise, .. } = *glyph;
        self.members.push(Member { character, bbox, gap, size, rise, object });
        self.last = glyph.bbox;
        self.last_advance = glyph.advance;
        if let Some(word) = &mut self.current {
            word.bbox = word.bbox.union(&glyph.bbox);
            word.style.invisible &= glyph.style.invisible;
            word.style.garbled |= glyph.garbled;
            return;
        }
        self.current = Some(Word {
            text: String::new(),
            bbox: glyph.bbox,
            font_size: glyph.font_size,
            font: glyph.style.font,
            style: WordStyle {
                bold: glyph.style.bold,
                italic: glyph.style.italic,
                invisible: glyph.style.invisible,
                hyphenated: false,
                starts_line: std::mem::take(&mut self.next_starts_line),
                garbled: glyph.garbled,
                ..WordStyle::default()
            },
            color: glyph.style.color,
            direction: glyph.direction,
            confidence: None,
        });
    }

    /// Distance from the end of the last character's advance to the start of this one's, in em.
    fn gap(&self, glyph: &Glyph) -> f32 {
        let (last, next) = (&self.last_advance, &glyph.advance);
        let gap = match glyph.direction {
            0 => next.x0 - last.x1,
            180 => last.x0 - next.x1,
            90 => next.y0 - last.y1,
            _ => last.y0 - next.y1,
        };
        gap / glyph.font_size.max(1.0)
    }

    /// Decides by its place whether a character behind a line break that pdfium made up starts a line, starts a word
    /// or goes on with the last one.
    fn resolve(&mut self, glyph: &Glyph) {
        let level = self.own_level().or(self.level);
        let Some(level) = level.filter(|level| level.direction == glyph.direction) else {
            return self.end_line();
        };
        let size = level.size.max(glyph.font_size).max(1.0);
        let height = (glyph.rise - level.rise) / size;
        let gap = self.gap(glyph) * glyph.font_size.max(1.0) / size;
        let raised = glyph.font_size < SMALL * level.size && (0.0..0.6).contains(&height);
        let on_line = (height.abs() < 0.1 || raised) && (-KERNING..SAME_LINE).contains(&gap);
        if !on_line {
            self.end_line();
        } else if gap >= NARROW_SPACE {
            self.end_word();
        }
    }

    /// Size and baseline of the current word.
    fn own_level(&self) -> Option<Level> {
        let word = self.current.as_ref()?;
        let main = main_of(&self.members)?;
        Some(Level { size: main.size, rise: main.rise, direction: word.direction, bbox: word.bbox })
    }

    /// Whether the next character is too far from the last one to belong to the same word.
    fn jumps(&mut self, glyph: &Glyph) -> bool {
        let Some(word) = &self.current else { return false };
        if word.direction != glyph.direction {
            return true;
        }
        let (last, next) = (&self.last, &glyph.bbox);
        let (gap, overlap, height) = match glyph.direction {
            0 => (next.x0 - last.x1, last.vertical_overlap(next), last.height().min(next.height())),
            180 => (last.x0 - next.x1, last.vertical_overlap(next), last.height().min(next.height())),
            90 => (next.y0 - last.y1, last.horizontal_overlap(next), last.width().min(next.width())),
            _ => (last.y0 - next.y1, last.horizontal_overlap(next), last.width().min(next.width())),
        };
        let size = word.font_size.max(glyph.font_size).max(1.0);
        if height > 0.0 && overlap <= 0.0 {
            // On another line, except for what sits high or low beside the word.
            let aside = gap.abs() < size * 0.5 && glyph.font_size < word.font_size;
            self.next_starts_line |= !aside;
            return !aside;
        }
        gap > size * 0.6 || gap < -2.0 * size.max(word.bbox.width().min(word.bbox.height()))
    }

    pub(super) fn end_word(&mut self) {
        let Some(mut word) = self.current.take() else { return };
        let mut members = std::mem::take(&mut self.members);
        let ends_line = self.next_starts_line;
        if let Some(main) = main_of(&members) {
            let level =
                Level { size: main.size, rise: main.rise, direction: word.direction, bbox: word.bbox };
            word.font_size = main.size;
            let whole = self.level.filter(|before| is_mark_behind(before, &level, &members));
            match whole {
                Some(_) => members.iter_mut().for_each(|member| member.character = raised(member.character)),
                None => {
                    raise_marks(&mut members, &main);
                    self.level = Some(level);
                }
            }
        }
        word.style.hyphenated |= spell_out_soft_hyphens(&mut members, ends_line);
        // A reader sees nothing of what lies outside the page.
        if word.bbox.intersection(&self.frame.page_box()).is_none() {
            word.style.invisible = true;
        }
        let starts = word_starts(&members);
        let first = self.words.len();
        for (index, &start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(members.len());
            let part = &members[start..end];
            for member in part {
                let drawn = (first + index, member.object);
                if self.objects.last() != Some(&drawn) {
                    self.objects.push(drawn);
                }
            }
            let mut own = word.clone();
            own.text = part.iter().map(|member| member.character).collect();
            if starts.len() > 1 {
                own.bbox = BBox::around(part.iter().map(|member| &member.bbox)).unwrap_or(word.bbox);
                own.style.starts_line &= index == 0;
                own.style.hyphenated &= end == members.len();
            }
            self.words.push(own);
        }
        members.clear();
        self.members = members;
    }

    pub(super) fn end_line(&mut self) {
        self.next_starts_line = true;
        self.end_word();
        self.level = None;
    }

    /// pdfium made up a line break; whether there is one, the next character shows.
    pub(super) fn may_end_line(&mut self) {
        self.pending = Break::Generated;
    }

    /// The word so far ends its line with a hyphen.
    pub(super) fn hyphenate(&mut self) {
        if let Some(word) = &mut self.current {
            word.style.hyphenated = true;
        }
        self.end_line();
    }
}

/// The first of a word's largest characters.
fn main_of(members: &[Member]) -> Option<Member> {
    let largest = members.iter().map(|member| member.size).fold(0.0, f32::max);
    members.iter().copied().find(|member| member.size > 0.95 * largest)
}

/// Whether a word is a raised mark behind another one: digits, brackets or one letter.
fn is_mark_behind(before: &Level, own: &Level, members: &[Member]) -> bool {
    let height = (own.rise - before.rise) / before.size.max(1.0);
    let gap = match own.direction {
        0 => own.bbox.x0 - before.bbox.x1,
        180 => before.bbox.x0 - own.bbox.x1,
        90 => own.bbox.y0 - before.bbox.y1,
        _ => before.bbox.y0 - own.bbox.y1,
    };
    before.direction == own.direction
        && own.size < SMALL * before.size
        && (RAISED_SMALL..HIGHEST).contains(&height)
        && (-0.1..0.6).contains(&(gap / before.size.max(1.0)))
        && members.len() <= LONGEST_MARK
        && members.iter().any(|member| member.character.is_ascii_digit())
        && members.iter().all(|member| matches!(member.character, '0'..='9' | '(' | ')' | ','))
}

/// Gives the raised digits of a word, and brackets and letters among them, the characters that stand for raised ones:
/// `8,1231` with a raised 1 is `8,123¹`. What is read as a number then never holds a mark. Digits that are only smaller
/// are marks too, where they stand directly behind digits of full size. Raised letters stay as they are ("1st") unless
/// they are marks of a number.
fn raise_marks(members: &mut [Member], main: &Member) {
    let height = |member: &Member| (member.rise - main.rise) / main.size.max(1.0);
    let is_small = |member: &Member| member.size < SMALL * main.size;
    let is_raised = |member: &Member| {
        let least = if is_small(member) { RAISED_SMALL } else { RAISED };
        (least..HIGHEST).contains(&height(member))
    };
    let mut at = 0;
    while at < members.len() {
        let start = at;
        let kind = is_raised(&members[at]);
        let small = is_small(&members[at]);
        while at < members.len() && is_raised(&members[at]) == kind && is_small(&members[at]) == small {
            at += 1;
        }
        let behind_digit = start > 0 && members[start - 1].character.is_ascii_digit();
        let is_digits = members[start..at].iter().all(|member| member.character.is_ascii_digit());
        let lower = members[start..at].iter().any(|member| member.size < 0.4 * main.size);
        if kind {
            let has_digit = members[start..at].iter().any(|member| member.character.is_ascii_digit());
            if has_digit || is_mark_letter(&members[..start], &members[start..at]) {
                members[start..at].iter_mut().for_each(|member| member.character = raised(member.character));
            }
        } else if small && is_digits && start >= 2 && is_slash(members[start - 1].character) {
            // The denominator of a fraction whose numerator is raised.
            if is_raised_digit(members[start - 2].character) {
                members[start..at].iter_mut().for_each(|member| member.character = lowered(member.character));
            }
        } else if small && is_digits && behind_digit && !lower {
            members[start..at].iter_mut().for_each(|member| member.character = raised(member.character));
        }
    }
}

fn is_slash(character: char) -> bool {
    matches!(character, '/' | '\u{2044}' | '\u{2215}')
}

/// Whether a single raised letter is a mark of the number before it: behind a short whole number it may be an ordinal
/// ("2e", "1o").
fn is_mark_letter(before: &[Member], letters: &[Member]) -> bool {
    let [letter] = letters else { return false };
    let number = || before.iter().rev().take_while(|member| !member.character.is_alphabetic());
    let ends_number = before
        .last()
        .is_some_and(|last| last.character.is_ascii_digit() || matches!(last.character, ')' | '%'));
    let measures = number().count() > 2 || number().any(|member| !member.character.is_ascii_digit());
    letter.character.is_ascii_lowercase()
        && ends_number
        && (measures || !matches!(letter.character, 'a' | 'e' | 'o' | 'h'))
}

fn is_raised_digit(character: char) -> bool {
    plain_of_raised(character).is_some_and(|plain| plain.is_ascii_digit())
}

fn lowered(character: char) -> char {
    character.to_digit(10).and_then(|digit| char::from_u32('₀' as u32 + digit)).unwrap_or(character)
}

/// Soft hyphens that are drawn are hyphens and minus signs, except where one parts a word at the end of its line. Whether
/// it does.
fn spell_out_soft_hyphens(members: &mut [Member], ends_line: bool) -> bool {
    const SOFT: char = '\u{AD}';
    let last = members.len().saturating_sub(1);
    let mut parts = false;
    for index in 0..members.len() {
        let member = members[index];
        if member.character != SOFT {
            continue;
        }
        let behind_letter = index > 0 && members[index - 1].character.is_alphabetic();
        if index == last && ends_line && behind_letter {
            parts = true;
        } else if member.bbox.width() > 0.0 && member.bbox.height() > 0.0 {
            members[index].character = '-';
        }
    }
    parts
}

/// Where words start in a run of characters that the text layer has no space in: at the first one, and behind gaps
/// that are as wide as a space where the run is otherwise tight.
fn word_starts(members: &[Member]) -> Vec<usize> {
    let mut starts = vec![0];
    let wide: Vec<usize> = (1..members.len()).filter(|&index| members[index].gap >= NARROW_SPACE).collect();
    let tight = members.iter().skip(1).filter(|member| member.gap.abs() < TIGHT).count();
    if tight < 2 * wide.len() {
        return starts;
    }
    starts.extend(wide.into_iter().filter(|&index| {
        let (before, after) = (members[index - 1].character, members[index].character);
        // Digits may be grouped by thin spaces; signs are often set apart from their number.
        let ends =
            before.is_alphanumeric() || matches!(before, ',' | '.' | ';' | ':' | ')' | '”' | '’' | '"');
        let begins = after.is_alphanumeric() || matches!(after, '(' | '“' | '‘');
        let letters = before.is_alphabetic() || after.is_alphabetic();
        ends && begins && letters
    }));
    starts
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    fn glyphs(frame: Frame, glyphs: &[(char, f32, f32)]) -> Vec<Word> {
        let style = ObjectStyle {
            font: 0,
            bold: false,
            italic: false,
            invisible: false,
            color: [0, 0, 0, 255],
            font_size: 10.0,
        };
        let mut words = WordBuilder::new(frame);
        for (character, x, y) in glyphs {
            let bbox = BBox::new(*x, *y, x + 5.0, y + 10.0);
            words.push(&Glyph {
                character: *character,
                bbox,
                advance: bbox,
                font_size: 10.0,
                rise: -bbox.y1,
                direction: 0,
                style,
                object: ptr::null_mut(),
                has_ink: true,
                garbled: false,
            });
        }
        words.finish().0
    }

    const FRAME: Frame = Frame { left: 0.0, bottom: 0.0, right: 600.0, top: 800.0, turns: 0 };

    #[test]
    fn gaps_and_line_breaks_end_words() {
        let words = glyphs(FRAME, &[('a', 0.0, 0.0), ('b', 5.0, 0.0), ('c', 60.0, 0.0), ('d', 0.0, 20.0)]);
        let texts: Vec<_> = words.iter().map(|word| (word.text.as_str(), word.style.starts_line)).collect();
        assert_eq!(texts, [("ab", true), ("c", false), ("d", true)]);
    }

    #[test]
    fn a_soft_hyphen_at_a_line_end_marks_the_word() {
        let words = glyphs(FRAME, &[('a', 0.0, 0.0), ('\u{AD}', 5.0, 0.0), ('b', 0.0, 20.0)]);
        assert!(words[0].style.hyphenated && words[0].text == "a\u{AD}" && !words[1].style.hyphenated);
        let words = glyphs(FRAME, &[('a', 0.0, 0.0), ('\u{AD}', 5.0, 0.0), ('b', 10.0, 0.0)]);
        assert_eq!((words.len(), words[0].style.hyphenated), (1, false));
    }

    /// A line of characters 5 points wide with these gaps, in points, before each.
    fn spaced(text: &str, gaps: &[f32]) -> Vec<String> {
        let mut x = 0.0;
        let line: Vec<(char, f32, f32)> = text
            .chars()
            .enumerate()
            .map(|(index, character)| {
                x += gaps.get(index).copied().unwrap_or(0.0);
                let place = (character, x, 0.0);
                x += 5.0;
                place
            })
            .collect();
        glyphs(FRAME, &line).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn squeezed_spaces_part_words_and_spaced_letters_do_not() {
        assert_eq!(spaced("atleast", &[0.0, 0.0, 2.0]), ["at", "least"]);
        assert_eq!(spaced("at1,000", &[0.0, 0.0, 2.0]), ["at", "1,000"]);
        assert_eq!(spaced("year,and", &[0.0, 0.0, 0.0, 0.0, 0.0, 2.0]), ["year,", "and"]);
        // Letter spacing, grouped digits and a currency sign set apart.
        assert_eq!(spaced("TOTAL", &[0.0, 2.0, 2.0, 2.0, 2.0]), ["TOTAL"]);
        assert_eq!(spaced("10000", &[0.0, 0.0, 2.0]), ["10000"]);
        assert_eq!(spaced("$1234", &[0.0, 2.0]), ["$1234"]);
        assert_eq!(spaced("Wayne", &[0.0, -1.0]), ["Wayne"], "kerning");
    }

    /// Words of characters of these sizes and heights of the baseline, in points, drawn one behind the other.
    fn drawn(parts: &[(&str, f32, f32)]) -> Vec<String> {
        let style = ObjectStyle {
            font: 0,
            bold: false,
            italic: false,
            invisible: false,
            color: [0, 0, 0, 255],
            font_size: 10.0,
        };
        let mut words = WordBuilder::new(FRAME);
        let mut x = 10.0;
        for (text, size, height) in parts {
            for character in text.chars() {
                let foot = 100.0 - height;
                let bbox = BBox::new(x, foot - 0.8 * size, x + 0.5 * size, foot + 0.2 * size);
                x += 0.5 * size;
                if character == '|' {
                    words.may_end_line();
                    x -= 0.5 * size;
                } else if character == ' ' {
                    words.end_word();
                } else {
                    let (advance, font_size, rise) = (bbox, *size, -foot);
                    let object = ptr::null_mut();
                    words.push(&Glyph {
                        character,
                        bbox,
                        advance,
                        font_size,
                        rise,
                        direction: 0,
                        style,
                        object,
                        has_ink: true,
                        garbled: false,
                    });
                }
            }
        }
        words.finish().0.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn raised_and_small_digits_are_marks() {
        assert_eq!(drawn(&[("8,123", 10.0, 0.0), ("1", 6.0, 3.5)]), ["8,123¹"]);
        assert_eq!(drawn(&[("8,123", 10.0, 0.0), ("1,2", 6.0, 3.5)]), ["8,123¹,²"]);
        assert_eq!(drawn(&[("2", 6.0, 3.5), ("8.5%", 10.0, 0.0)]), ["²8.5%"]);
        assert_eq!(drawn(&[("Sales", 10.0, 0.0), ("(1)", 6.5, 3.0)]), ["Sales⁽¹⁾"]);
        assert_eq!(
            drawn(&[("1,204 ", 10.0, 0.0), ("1", 6.0, 3.5), (" million", 10.0, 0.0)]),
            ["1,204", "¹", "million"]
        );
        assert_eq!(drawn(&[("502", 10.0, 0.0), ("2", 6.0, 0.0)]), ["502²"], "small on the same baseline");
        assert_eq!(drawn(&[("502", 10.0, 0.0), ("2", 10.0, 4.0)]), ["502²"], "raised in full size");
        assert_eq!(drawn(&[("8,123", 10.0, 0.0), ("a", 6.0, 3.5)]), ["8,123ᵃ"]);
        assert_eq!(drawn(&[("10", 10.0, 0.0), ("6", 6.0, 3.5)]), ["10⁶"]);
        assert_eq!(
            drawn(&[("4", 10.0, 0.0), ("1", 6.0, 3.5), ("/", 10.0, 0.0), ("2", 6.0, 0.0), ("%", 10.0, 0.0)]),
            ["4¹/₂%"]
        );
    }

    #[test]
    fn other_raised_and_small_characters_stay() {
        assert_eq!(drawn(&[("1", 10.0, 0.0), ("st", 6.0, 3.5)]), ["1st"]);
        assert_eq!(drawn(&[("2", 10.0, 0.0), ("e", 6.0, 3.5)]), ["2e"]);
        assert_eq!(drawn(&[("CO", 10.0, 0.0), ("2", 6.0, -2.0)]), ["CO2"]);
        assert_eq!(drawn(&[("£4", 10.0, 0.0), (".5m", 6.0, 0.0)]), ["£4.5m"], "small decimals");
        assert_eq!(drawn(&[("$", 6.0, 4.0), ("12", 10.0, 0.0)]), ["$12"]);
        assert_eq!(drawn(&[("N", 10.0, 0.0), ("OTE", 8.0, 0.0), ("12", 10.0, 0.0)]), ["NOTE12"]);
    }

    #[test]
    fn line_breaks_that_pdfium_makes_up_are_judged_by_place() {
        let style: Vec<(&str, f32, f32)> =
            "T|a|b|l|e".split('|').flat_map(|c| [(c, 10.0, 0.0), ("|", 10.0, 0.0)]).collect();
        assert_eq!(drawn(&style), ["Table"]);
        assert_eq!(drawn(&[("of", 10.0, 0.0), ("|", 10.0, 0.0), ("below", 10.0, -12.0)]), ["of", "below"]);
        // Behind a mark, too: pdfium breaks the line where the baseline changes.
        assert_eq!(
            drawn(&[("204", 10.0, 0.0), ("1", 6.0, 3.5), ("|", 10.0, 0.0), (" m", 10.0, 0.0)]),
            ["204¹", "m"]
        );
    }

    #[test]
    fn drawn_soft_hyphens_are_hyphens() {
        let texts = |line: &[(char, f32, f32)]| {
            glyphs(FRAME, line).into_iter().map(|word| word.text).collect::<Vec<_>>()
        };
        assert_eq!(texts(&[('\u{AD}', 0.0, 0.0), ('9', 5.0, 0.0), ('2', 10.0, 0.0)]), ["-92"]);
        assert_eq!(texts(&[('\u{AD}', 0.0, 0.0), ('9', 0.0, 20.0)]), ["-", "9"]);
        assert_eq!(texts(&[('a', 0.0, 0.0), ('\u{AD}', 5.0, 0.0), ('b', 10.0, 0.0)]), ["a-b"]);
    }

    #[test]
    fn words_outside_the_page_are_invisible() {
        let words = glyphs(FRAME, &[('a', -50.0, 0.0), ('b', 10.0, 0.0)]);
        assert_eq!(words.iter().map(|word| word.style.invisible).collect::<Vec<_>>(), [true, false]);
    }
}
