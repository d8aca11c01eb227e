//! Words of a region as text lines of chunks, in coordinates in which the table's text runs left to right.

use crate::document::{BBox, Page, Ruling, plain_of_raised};
use crate::structure::conventions::spaces_group_on;
use crate::structure::numbers::{currency_code, group_follows};

/// Gap between two words, in em, from which they belong to different chunks.
const CHUNK_GAP: f32 = 0.6;
/// The same when both words are numbers: numbers are not separated by ordinary spaces within a cell.
const NUMBER_GAP: f32 = 0.22;
/// Largest gap within a number whose groups are parted by spaces.
const GROUP_GAP: f32 = 0.45;
/// Largest gap, in em, between a minus sign and its number.
const SIGN_GAP: f32 = 0.6;
/// Largest gap, in em, between the code of a currency and its number.
const CODE_GAP: f32 = 1.0;
/// Space between words where there are too few to measure it, in em.
const USUAL_SPACE: f32 = 0.25;
/// Largest gap, in em, over which a closing parenthesis or percent sign joins the number before it.
const CLOSING_GAP: f32 = 3.0;

/// Size, in em, below which digits are marks.
pub(super) const MARK_SIZE: f32 = 0.75;

/// One word in table coordinates.
#[derive(Clone, Debug)]
pub(super) struct Piece<'p> {
    pub text: &'p str,
    pub bbox: BBox,
    pub size: f32,
    pub bold: bool,
    /// Index of the word on its page.
    pub word: usize,
}

/// Neighbouring words of one line that belong to one cell.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// Indices of pieces, left to right.
    pub pieces: Vec<usize>,
    pub bbox: BBox,
    /// The same without a currency sign in front of a number: signs are set at the left of their column, which may be
    /// right behind the number of the column before.
    pub core: BBox,
    /// Whether it is written as a number, an amount, a percentage or a dash.
    pub numeric: bool,
}

impl Chunk {
    /// A chunk of these pieces (at least one), left to right.
    pub fn new(all: &[Piece<'_>], pieces: Vec<usize>) -> Self {
        let around = |pieces: &[usize]| BBox::around(pieces.iter().map(|&piece| &all[piece].bbox));
        let bbox = around(&pieces).unwrap_or(BBox::new(0.0, 0.0, 0.0, 0.0));
        let numeric = is_numeric(&joined_text(pieces.iter().map(|&piece| all[piece].text)));
        let signs = pieces.iter().take_while(|&&piece| is_currency_sign(all[piece].text)).count();
        let core = if numeric { around(&pieces[signs..]).unwrap_or(bbox) } else { bbox };
        Self { pieces, bbox, core, numeric }
    }
}

/// A line of text.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub chunks: Vec<Chunk>,
    pub bbox: BBox,
    /// Middle of the line's full-size words.
    pub center: f32,
}

/// Words and rulings of one region.
#[derive(Clone, Debug)]
pub(super) struct Region<'p> {
    pub pieces: Vec<Piece<'p>>,
    pub lines: Vec<Line>,
    pub rulings: Vec<Ruling>,
    /// Median font size: the unit of all distances.
    pub em: f32,
    /// Typical space between words, in em.
    pub space: f32,
    /// Direction of writing: 0, 90, 180 or 270 degrees clockwise.
    pub direction: u16,
}

/// A box turned so that text of this direction runs left to right.
pub(super) fn upright(bbox: &BBox, direction: u16) -> BBox {
    match direction {
        90 => BBox::new(bbox.y0, -bbox.x1, bbox.y1, -bbox.x0),
        180 => BBox::new(-bbox.x1, -bbox.y1, -bbox.x0, -bbox.y0),
        270 => BBox::new(-bbox.y1, bbox.x0, -bbox.y0, bbox.x1),
        _ => *bbox,
    }
}

impl<'p> Region<'p> {
    /// Reads the words whose middle lies inside `bbox` (page coordinates).
    pub fn new(page: &'p Page, bbox: &BBox) -> Self {
        let inside = |bbox_: &BBox| bbox.contains_point(bbox_.center_x(), bbox_.center_y());
        let chosen: Vec<usize> =
            (0..page.words.len()).filter(|&index| inside(&page.words[index].bbox)).collect();
        Self::of_words(page, &chosen, bbox)
    }

    /// Reads the given words, and the rulings around `bbox`.
    pub fn of_words(page: &'p Page, words: &[usize], bbox: &BBox) -> Self {
        let direction = dominant_direction(page, words);
        let mut pieces: Vec<Piece<'p>> = words
            .iter()
            .map(|&index| (index, &page.words[index]))
            .filter(|(_, word)| word.direction % 360 == direction)
            .filter_map(|(index, word)| {
                let text = without_leader(&word.text);
                (!text.is_empty()).then(|| Piece {
                    text,
                    bbox: trimmed(&upright(&word.bbox, direction), &word.text, text),
                    size: if word.font_size > 0.5 {
                        word.font_size
                    } else {
                        upright(&word.bbox, direction).height()
                    },
                    bold: word.style.bold,
                    word: index,
                })
            })
            .collect();
        pieces.sort_by(|a, b| a.bbox.center_y().total_cmp(&b.bbox.center_y()));
        let mut sizes: Vec<f32> = pieces.iter().map(|piece| piece.size).collect();
        sizes.sort_by(f32::total_cmp);
        let em = sizes.get(sizes.len() / 2).copied().unwrap_or(10.0).max(1.0);
        let wide = BBox::new(bbox.x0 - em, bbox.y0 - em, bbox.x1 + em, bbox.y1 + em);
        let rulings = page
            .rulings
            .iter()
            .filter(|ruling| {
                wide.contains_point(ruling.bbox.center_x(), ruling.bbox.center_y())
                    || ruling.bbox.intersection(&wide).is_some()
            })
            .map(|ruling| Ruling {
                bbox: upright(&ruling.bbox, direction),
                horizontal: ruling.horizontal == direction.is_multiple_of(180),
            })
            .collect();
        let rows = rows_of(&pieces, em);
        let space = typical_space(&pieces, &rows, em);
        let spacing = Spacing { em, space, spaces_group: spaces_group_on(page) };
        let lines = rows.into_iter().map(|row| line_of(&pieces, row, spacing)).collect();
        Self { pieces, lines, rulings, em, space, direction }
    }

    /// The words of a chunk separated by single spaces.
    pub fn text(&self, chunk: &Chunk) -> String {
        joined_text(chunk.pieces.iter().map(|&piece| self.pieces[piece].text))
    }

    /// The same without raised marks behind it.
    pub fn text_without_marks(&self, chunk: &Chunk) -> String {
        let is_mark = |&&piece: &&usize| self.pieces[piece].size < MARK_SIZE * self.em;
        let marks = chunk.pieces[1..].iter().rev().take_while(is_mark).count();
        let words = &chunk.pieces[..chunk.pieces.len() - marks];
        joined_text(words.iter().map(|&piece| self.pieces[piece].text))
    }
}

/// Words separated by one space; a hyphen at the end of a word stays.
pub(super) fn joined_text<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

fn dominant_direction(page: &Page, words: &[usize]) -> u16 {
    let mut count = [0usize; 4];
    for &index in words {
        count[usize::from(page.words[index].direction / 90 % 4)] += page.words[index].text.chars().count();
    }
    let best = (0..4).max_by_key(|&turn| (count[turn], 4 - turn)).unwrap_or(0);
    best as u16 * 90
}

/// The word without a dot leader at its end ("Cash......"), empty if it is nothing else.
fn without_leader(text: &str) -> &str {
    let is_leader = |c: char| matches!(c, '.' | '…' | '·' | '_' | '․' | '‥');
    let rest = text.trim_end_matches(is_leader);
    let removed = text[rest.len()..].chars().count();
    let ellipsis = text.ends_with('…') && removed == 1;
    if rest.is_empty() || (removed >= 3 || ellipsis) { rest } else { text }
}

/// The box without the share of the characters that were cut off its end.
fn trimmed(bbox: &BBox, text: &str, rest: &str) -> BBox {
    if rest.len() == text.len() {
        return *bbox;
    }
    let share = rest.chars().count() as f32 / text.chars().count().max(1) as f32;
    BBox::new(bbox.x0, bbox.y0, bbox.x0 + bbox.width() * share, bbox.y1)
}

/// Pieces of each text line, left to right, from top to bottom; `pieces` are sorted by their vertical middle.
fn rows_of(pieces: &[Piece<'_>], em: f32) -> Vec<Vec<usize>> {
    let mut rows: Vec<Vec<usize>> = Vec::new();
    let (mut sum, mut weight) = (0.0, 0.0);
    for (index, piece) in pieces.iter().enumerate() {
        let middle = piece.bbox.center_y();
        let reach = 0.42 * piece.size.max(0.8 * em);
        // A raised footnote mark must not drag the line with it.
        let own = piece.size * piece.bbox.width().max(0.1);
        match rows.last_mut() {
            Some(row) if middle - sum / weight < reach => row.push(index),
            _ => {
                rows.push(vec![index]);
                (sum, weight) = (0.0, 0.0);
            }
        }
        sum += own * middle;
        weight += own;
    }
    for row in &mut rows {
        row.sort_by(|&a, &b| pieces[a].bbox.x0.total_cmp(&pieces[b].bbox.x0));
    }
    rows
}

/// Median gap between neighbouring words of letters, in em: about 0.25 in most fonts, 0.6 in those of one width.
fn typical_space(pieces: &[Piece<'_>], rows: &[Vec<usize>], em: f32) -> f32 {
    let is_word = |text: &str| text.chars().any(char::is_alphabetic);
    let mut gaps: Vec<f32> = rows
        .iter()
        .flat_map(|row| row.windows(2))
        .map(|pair| (&pieces[pair[0]], &pieces[pair[1]]))
        .filter(|(a, b)| is_word(a.text) && is_word(b.text))
        .map(|(a, b)| (b.bbox.x0 - a.bbox.x1) / em)
        .filter(|gap| (0.05..1.0).contains(gap))
        .collect();
    if gaps.len() < 3 {
        return USUAL_SPACE;
    }
    let middle = gaps.len() / 2;
    *gaps.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// What the distances between words mean.
#[derive(Clone, Copy)]
struct Spacing {
    /// Points in an em.
    em: f32,
    /// Typical space between words, in em.
    space: f32,
    /// Whether spaces group the digits of numbers.
    spaces_group: bool,
}

fn line_of(pieces: &[Piece<'_>], row: Vec<usize>, spacing: Spacing) -> Line {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut right = f32::NEG_INFINITY;
    for (position, &index) in row.iter().enumerate() {
        let bbox = &pieces[index].bbox;
        let next = row.get(position + 1).copied();
        match groups.last_mut() {
            Some(group) if joins(pieces, group, bbox.x0 - right, index, next, spacing) => {
                group.push(index);
                right = right.max(bbox.x1);
            }
            _ => {
                groups.push(vec![index]);
                right = bbox.x1;
            }
        }
    }
    line_of_chunks(pieces, groups.into_iter().map(|group| Chunk::new(pieces, group)).collect())
}

/// A line made of these chunks (at least one).
pub(super) fn line_of_chunks(pieces: &[Piece<'_>], chunks: Vec<Chunk>) -> Line {
    let bbox = BBox::around(chunks.iter().map(|chunk| &chunk.bbox)).unwrap_or(BBox::new(0.0, 0.0, 0.0, 0.0));
    let members = chunks.iter().flat_map(|chunk| &chunk.pieces);
    let (sum, weight) = members.fold((0.0, 0.0), |(sum, weight), &member| {
        let own = pieces[member].size * pieces[member].bbox.width().max(0.1);
        (sum + own * pieces[member].bbox.center_y(), weight + own)
    });
    Line { chunks, bbox, center: if weight > 0.0 { sum / weight } else { bbox.center_y() } }
}

/// Whether a piece, `gap` behind the pieces of `group`, belongs to the same chunk; `following` is the piece after it.
fn joins(
    pieces: &[Piece<'_>],
    group: &[usize],
    gap: f32,
    next: usize,
    following: Option<usize>,
    Spacing { em, space, spaces_group }: Spacing,
) -> bool {
    let Some(&last) = group.last() else { return false };
    let piece = &pieces[next];
    let (before, after) = (pieces[last].text, piece.text);
    let leads = |&index: &usize| is_currency_sign(pieces[index].text) || pieces[index].text == "(";
    // "CHF" over the labels and the "2024" of a column are no amount.
    let apart = currency_code(before).is_some() && (gap > CODE_GAP * em || is_year(after));
    if is_currency_sign(before) && !apart && group.iter().all(leads) && starts_number(after) {
        return true;
    }
    if is_currency_sign(after)
        && let Some(number) = following.map(|index| &pieces[index]).filter(|piece| starts_number(piece.text))
    {
        // The sign of the next number, unless it is of the kind that stands behind numbers and nearer to this one.
        let to_next = number.bbox.x0 - piece.bbox.x1;
        let has_digit = |text: &str| text.chars().any(|c| c.is_ascii_digit() || is_dash(c));
        let behind = has_digit(before) && may_follow_number(after) && gap <= to_next;
        let within_text = !has_digit(before) && before != ")" && to_next < CHUNK_GAP * em;
        if !behind && !within_text {
            return false;
        }
    }
    if matches!(before, "(" | "($" | "$(") && after.starts_with(|c: char| c.is_ascii_digit()) {
        return gap < CLOSING_GAP * em;
    }
    if is_bare_dash(before) && after.starts_with(|c: char| c.is_ascii_digit()) && gap > SIGN_GAP * em {
        // Further away it stands in an empty cell of its own column.
        return false;
    }
    if spaces_group && gap < GROUP_GAP * em && continues_number(pieces, group, after) {
        return true;
    }
    if is_bullet(before) {
        return true;
    }
    let chunk_numeric = || is_numeric(&joined_text(group.iter().map(|&piece| pieces[piece].text)));
    if is_closing(after)
        && gap < CLOSING_GAP * em
        && pieces[last].text.chars().any(|c| c.is_ascii_digit() || is_dash(c))
    {
        return chunk_numeric() || ends_open(before);
    }
    if is_numeric(before)
        && is_numeric(after)
        && !is_bare_dash(before)
        && gap > NUMBER_GAP * em
        && chunk_numeric()
    {
        return false;
    }
    gap < CHUNK_GAP.max(1.5 * space) * em.min(1.25 * piece.size.max(pieces[last].size))
}

/// Whether the text is the next group of three digits of the number at the end of these pieces.
fn continues_number(pieces: &[Piece<'_>], group: &[usize], next: &str) -> bool {
    let text = joined_text(group.iter().map(|&piece| pieces[piece].text));
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    next.starts_with(|c: char| c.is_ascii_digit())
        && !digits.is_empty()
        && group_follows(digits, next.trim_end_matches(|c: char| !c.is_ascii_digit()))
}

fn is_bullet(text: &str) -> bool {
    matches!(text, "•" | "●" | "▪" | "■" | "◦" | "○" | "" | "‣")
}

fn ends_open(text: &str) -> bool {
    text.starts_with('(') && !text.ends_with(')')
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '–' | '—' | '―' | '−' | '‒' | '‐' | '‑' | '⁻' | '˗' | '﹣' | '－' | '\u{ad}')
}

/// Currencies whose sign is also written behind the amount.
fn may_follow_number(sign: &str) -> bool {
    matches!(sign, "€" | "kr" | "RM")
}

/// Whether the text is only a dash, which stands for zero or nil in a table.
pub(super) fn is_bare_dash(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_dash)
}

/// Whether the text is a currency sign without a number: `$`, `US$`, `$(`, `€`.
pub(super) fn is_currency_sign(text: &str) -> bool {
    let bare = text.trim_end_matches('(').trim_start_matches('(');
    matches!(
        bare,
        "$" | "€"
            | "£"
            | "¥"
            | "₹"
            | "US$"
            | "C$"
            | "A$"
            | "HK$"
            | "NT$"
            | "S$"
            | "R$"
            | "RM"
            | "Rs."
            | "Rs"
            | "kr"
    ) || currency_code(bare).is_some()
}

fn starts_number(text: &str) -> bool {
    let rest = text.trim_start_matches(['(', '+', '.']);
    rest.starts_with(|c: char| c.is_ascii_digit() || is_dash(c)) || rest.is_empty()
}

fn is_closing(text: &str) -> bool {
    matches!(text, ")" | "%" | ")%" | "%)" | ") %" | "pts" | "bps" | "x")
}

/// Whether a text is written as a number, an amount, a percentage, a dash or "N/A", as cells of numbers are.
pub(super) fn is_numeric(text: &str) -> bool {
    let text = text.trim();
    let bare = text.trim_start_matches(['$', '€', '£', '¥', '₹', ' ']);
    if is_bare_dash(bare) {
        return bare.chars().count() <= 3;
    }
    if matches!(text, "N/A" | "n/a" | "NM" | "nm" | "N/M" | "n/m" | "NA" | "*" | "**" | "nil" | "Nil") {
        return true;
    }
    let (mut digits, mut letters) = (0, 0);
    let text = without_magnitude(without_code(text));
    for c in text.chars() {
        match c {
            '0'..='9' | '０'..='９' | '٠'..='٩' | '۰'..='۹' | '½' | '¼' | '¾' | '⅐'..='⅞' => {
                digits += 1
            }
            '.' | ',' | '·' | '．' | '，' | '٫' | '٬' | '\'' | '‘' | '’' | '‛' | 'ʼ' | 'ʻ' | 'ʹ' | '′'
            | '´' | '`' | '＇' => {}
            '(' | ')' | '[' | ']' | '（' | '）' | '<' | '>' | '‹' | '›' | '⟨' | '⟩' | '〈' | '〉' =>
                {}
            '%' | '％' | '$' | '€' | '£' | '¥' | '₹' | '¢' | '+' | '/' | '⁄' | '*' | '±' | '†' | '‡' =>
                {}
            '△' | '▲' | '▵' | '▼' | '▽' | '↑' | '↓' => {}
            c if c.is_whitespace() || is_dash(c) => {}
            'U' | 'S' | 'C' | 'R' | 'D' | 'x' => letters += 1,
            '₀'..='₉' => {}
            c if plain_of_raised(c).is_some() => {}
            _ => return false,
        }
    }
    // "12/31" is a day, "4 1/2" a number with a fraction.
    let is_ratio = text.contains('/') && digits > 2 && !is_mixed_fraction(text);
    digits > 0 && letters <= 2 && !text.ends_with(',') && !is_ratio
}

/// `4 1/2`, `6-3/4`, with what may follow.
fn is_mixed_fraction(text: &str) -> bool {
    let Some((before, after)) = text.split_once('/') else { return false };
    let numerator = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
    let set_apart = before[..before.len() - numerator.len()].ends_with([' ', '-', '‑']);
    let denominator = after.trim_end_matches(|c: char| !c.is_ascii_digit());
    set_apart
        && numerator.len() <= 2
        && matches!(denominator, "2" | "3" | "4" | "5" | "6" | "8" | "10" | "16" | "32" | "64")
}

/// `ZAR 1,234` and `1.234 kr` without the currency.
fn without_code(text: &str) -> &str {
    let before = text.split_once(' ').filter(|(sign, _)| is_currency_sign(sign)).map(|(_, rest)| rest);
    let behind = text.rsplit_once(' ').filter(|(_, sign)| is_currency_sign(sign)).map(|(rest, _)| rest);
    before.or(behind).unwrap_or(text)
}

/// `$1.1M` without its magnitude, which stands directly behind a digit.
fn without_magnitude(text: &str) -> &str {
    ["MM", "mn", "bn", "M", "B", "K", "m", "k"]
        .iter()
        .find_map(|end| text.strip_suffix(end).filter(|rest| rest.ends_with(|c: char| c.is_ascii_digit())))
        .filter(|rest| rest.contains(['$', '€', '£', '.']))
        .unwrap_or(text)
}

/// Whether a text is a year, which heads a column rather than being counted in it.
pub(super) fn is_year(text: &str) -> bool {
    let is_mark = |c: char| matches!(c, '*' | ')' | '†' | '‡') || plain_of_raised(c).is_some();
    let bare = text.trim().trim_end_matches(is_mark).trim_start_matches('(');
    bare.len() == 4
        && bare.bytes().all(|byte| byte.is_ascii_digit())
        && (bare.starts_with("19") || bare.starts_with("20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_dates_and_leaders() {
        for text in
            ["1,234", "(12.5)%", "$ (1,432)", "—", "12 %", "US$5", "N/A", "3.1x", "$ —", "$1.1M", "€0.3bn"]
        {
            assert!(is_numeric(text), "{text}");
        }
        for text in ["31,", "December 31", "Note 5", "12/31/2024", "", "3M", "5m"] {
            assert!(!is_numeric(text), "{text}");
        }
        for text in [
            "[790]",
            "(-845)",
            "8,123¹",
            "12·5",
            "⁻92",
            "1‘204‘310",
            "１２，３４５",
            "4 1/2%",
            "6-3/4%",
            "5⅝",
            "△1,200",
        ] {
            assert!(is_numeric(text), "{text}");
        }
        assert!(is_year("2021¹") && is_year("2021*") && !is_year("20211"));
        assert_eq!(without_leader("Cash....."), "Cash");
        assert_eq!(without_leader("Inc."), "Inc.");
        assert_eq!(without_leader("...."), "");
    }

    #[test]
    fn turning_keeps_size_and_puts_the_start_left() {
        let word = BBox::new(100.0, 200.0, 110.0, 260.0);
        for direction in [90, 270] {
            let turned = upright(&word, direction);
            assert!((turned.width() - 60.0).abs() < 1e-3 && (turned.height() - 10.0).abs() < 1e-3);
        }
        let below = BBox::new(100.0, 300.0, 110.0, 360.0);
        assert!(upright(&word, 90).x0 < upright(&below, 90).x0);
        assert!(upright(&word, 270).x0 > upright(&below, 270).x0);
    }
}
