//! From a recogniser's probabilities per column to characters.

/// Characters of a line that may be of another script before the line is taken to be in it, and the fewest that are a line.
const FOREIGN_SHARE: f32 = 0.5;
const FEWEST_FOREIGN: usize = 3;
/// The Chinese one, as which dashes are read.
const ONE: char = '\u{4E00}';

/// The characters that a recogniser knows, by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alphabet {
    /// What is written for each class; none for "no character" and for what is more than one character.
    characters: Vec<Option<char>>,
    /// Classes of the Latin script with its digits and signs, "no character" and the space.
    latin: Vec<bool>,
    /// Classes of the point, the comma and the dollar.
    marks: [Option<usize>; 3],
}

/// A character that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glyph {
    /// The character.
    pub character: char,
    /// Middle of the columns that say so, counted from the left; a column covers the width from its index to the next.
    pub column: f32,
    /// Highest probability of the character in these columns.
    pub probability: f32,
    /// Of a point or a comma: the highest probability of the other one there. Of an S: that of a dollar.
    pub other_mark: f32,
}

impl Alphabet {
    /// The alphabet of a PP-OCR model: one character a line as its metadata `character` has them. Class 0 is "no
    /// character", and the class after the last is the space.
    #[must_use]
    pub fn new(lines: &str) -> Self {
        let single = |line: &str| {
            let mut characters = line.chars();
            characters.next().filter(|_| characters.next().is_none()).map(narrow)
        };
        let named = lines.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).map(single);
        let mut characters: Vec<Option<char>> = std::iter::once(None).chain(named).collect();
        if characters.last() == Some(&None) && lines.ends_with('\n') {
            characters.pop();
        }
        characters.push(Some(' '));
        let mut latin: Vec<bool> =
            characters.iter().map(|character| character.is_some_and(|c| is_latin(c) || c == ONE)).collect();
        latin[0] = true;
        let marks =
            ['.', ',', '$'].map(|mark| characters.iter().position(|character| *character == Some(mark)));
        Self { characters, latin, marks }
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.characters.len()
    }

    /// The characters of a line from `probabilities` (column, class), the most probable class of each column: one and
    /// the same class in neighbouring columns is one character. In a line of the Latin script no character of another
    /// one is read.
    #[must_use]
    pub fn decode(&self, probabilities: &[f32]) -> Vec<Glyph> {
        let all = self.best(probabilities, |_| true);
        let foreign = all.iter().filter(|glyph| !is_latin(glyph.character)).count();
        let share = foreign as f32 / all.len().max(1) as f32;
        if foreign == 0 || foreign >= FEWEST_FOREIGN && share > FOREIGN_SHARE {
            return all;
        }
        let mut latin = self.best(probabilities, |class| self.latin[class]);
        latin.iter_mut().filter(|glyph| glyph.character == ONE).for_each(|glyph| glyph.character = '—');
        latin
    }

    fn best(&self, probabilities: &[f32], allowed: impl Fn(usize) -> bool) -> Vec<Glyph> {
        let mut glyphs: Vec<Glyph> = Vec::new();
        let (mut last, mut first_column) = (0, 0);
        for (column, row) in probabilities.chunks_exact(self.classes()).enumerate() {
            let (class, probability) = most(row, &allowed);
            if class != last {
                (last, first_column) = (class, column);
                if let Some(character) = self.characters[class] {
                    let other_mark = self.other_mark(character, row);
                    glyphs.push(Glyph { character, column: column as f32 + 0.5, probability, other_mark });
                }
            } else if class != 0
                && self.characters[class].is_some()
                && let Some(glyph) = glyphs.last_mut()
            {
                glyph.column = (first_column + column + 1) as f32 / 2.0;
                glyph.probability = glyph.probability.max(probability);
                glyph.other_mark = glyph.other_mark.max(self.other_mark(glyph.character, row));
            }
        }
        glyphs
    }

    /// Probability of the sign that may be meant where a point, a comma or an S is read; 0 elsewhere.
    fn other_mark(&self, character: char, row: &[f32]) -> f32 {
        let other = match character {
            '.' => self.marks[1],
            ',' => self.marks[0],
            'S' | 's' => self.marks[2],
            _ => None,
        };
        other
            .map(|class| row[class])
            .filter(|value| value.is_finite())
            .map_or(0.0, |value| value.clamp(0.0, 1.0))
    }
}

/// The most probable class that is allowed, the lowest of several; 0 if nothing is a number.
fn most(row: &[f32], allowed: &impl Fn(usize) -> bool) -> (usize, f32) {
    // The greatest of eight at a time is found without branches; only where it is greater are classes looked at.
    let mut best = (0, row[0]);
    for (chunk, values) in row.chunks(8).enumerate() {
        if values.iter().fold(f32::MIN, |most, value| most.max(*value)) <= best.1 {
            continue;
        }
        for (at, &value) in values.iter().enumerate() {
            if value > best.1 && allowed(chunk * 8 + at) {
                best = (chunk * 8 + at, value);
            }
        }
    }
    (best.0, if best.1.is_finite() { best.1.clamp(0.0, 1.0) } else { 0.0 })
}

/// A full-width form as the character that it is a form of.
fn narrow(character: char) -> char {
    match character {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
        '\u{3000}' => ' ',
        '\u{3001}' => ',',
        '\u{3002}' => '.',
        '\u{FFE1}' => '£',
        '\u{FFE5}' => '¥',
        _ => character,
    }
}

/// Latin letters, digits, and the signs that stand among them.
fn is_latin(character: char) -> bool {
    matches!(character,
        ' '..='~'
        | '\u{A1}'..='\u{24F}'
        | '\u{1E00}'..='\u{1EFF}'
        // Dashes, quotation marks, bullets, daggers, per mille; raised and lowered digits; currencies.
        | '\u{2010}'..='\u{2027}'
        | '\u{2030}'..='\u{205E}'
        | '\u{2070}'..='\u{20CF}'
        // Trade marks, fractions (no Roman numerals: they are letters), arrows, mathematics, boxes and marks.
        | '\u{2100}'..='\u{215F}'
        | '\u{2190}'..='\u{22FF}'
        | '\u{25A0}'..='\u{27BF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Probabilities in which these classes of five come one after the other.
    fn columns(classes: &[usize]) -> Vec<f32> {
        let mut rows = Vec::new();
        for class in classes {
            let mut row = [0.02; 5];
            row[*class] = 0.92;
            rows.extend(row);
        }
        rows
    }

    #[test]
    fn repeated_columns_are_one_character_unless_a_gap_parts_them() {
        let alphabet = Alphabet::new("1\n一\n２");
        assert_eq!(alphabet.classes(), 5);
        let text = |classes: &[usize]| -> String {
            alphabet.decode(&columns(classes)).iter().map(|glyph| glyph.character).collect()
        };
        assert_eq!(text(&[0, 1, 1, 0, 1, 3, 3, 0]), "112");
        assert_eq!(text(&[1, 4, 1]), "1 1");
        assert_eq!(text(&[]), "");
        let glyphs = alphabet.decode(&columns(&[0, 1, 1, 1, 0, 3]));
        assert_eq!((glyphs[0].column, glyphs[1].column), (2.5, 5.5));
        assert_eq!(glyphs[0].probability, 0.92);
    }

    #[test]
    fn a_foreign_character_in_a_latin_line_is_the_likeliest_latin_one() {
        let alphabet = Alphabet::new("1\n二\n-\n");
        let mut line = columns(&[1, 0, 1, 0, 2, 0]);
        line[4 * 5 + 3] = 0.05;
        let glyphs = alphabet.decode(&line);
        assert_eq!(glyphs.iter().map(|glyph| glyph.character).collect::<String>(), "11-");
        assert_eq!(glyphs[2].probability, 0.05);
        assert_eq!(alphabet.decode(&columns(&[2, 0, 2, 0, 2]))[0].character, '二');
        let dash = Alphabet::new("1\n一\n-\n").decode(&columns(&[0, 2, 2, 0]));
        assert_eq!((dash[0].character, dash[0].probability), ('—', 0.92));
    }

    proptest! {
        #[test]
        fn any_numbers_give_probabilities(rows in prop::collection::vec(any::<f32>(), 0..100)) {
            for glyph in Alphabet::new("1\n2\n3").decode(&rows) {
                prop_assert!((0.0..=1.0).contains(&glyph.probability) && glyph.column <= 20.0);
            }
        }
    }
}
