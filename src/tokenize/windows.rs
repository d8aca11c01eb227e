//! Cutting a token sequence into overlapping windows, and deciding which window answers for which word.

use crate::error::{Error, ErrorCode, Result};

/// Length and overlap of windows, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// Most tokens of one window, special tokens included (512 for BERT and LayoutLMv3).
    pub max_tokens: usize,
    /// Most tokens that a window repeats from the one before it.
    pub overlap: usize,
}

impl WindowLimits {
    /// Windows of `max_tokens`, repeating a quarter of it: every word then has at least an eighth of a window of
    /// context on both sides.
    #[must_use]
    pub fn new(max_tokens: usize) -> Self {
        Self { max_tokens, overlap: max_tokens / 4 }
    }
}

/// The token at which a model's answer about a word is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Index of the word.
    pub word: u32,
    /// Index of its first sub-token in the window.
    pub token: u32,
}

/// One model input: a run of tokens between special tokens. Every token is real (attention mask 1); padding is
/// added when windows are put into a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Window {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// LayoutLM boxes per token, 0 to 1000, `[0, 0, 0, 0]` for special tokens; empty for plain text.
    pub boxes: Vec<[u16; 4]>,
    /// Word of each token; `None` for special tokens.
    pub words: Vec<Option<u32>>,
    /// First content token (after the leading special tokens) as an index into the whole sequence's tokens.
    pub start: usize,
    /// Number of content tokens.
    pub content: usize,
    /// First token of the second segment (token type 1); the number of tokens where there is only one.
    pub second_segment: usize,
    /// Words that this window answers for, in word order.
    pub(super) answers: Vec<(u32, u32)>,
}

impl Window {
    /// Number of tokens, special tokens included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no tokens at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Words that this window answers for, in word order. Over all windows of a sequence, every word that has
    /// tokens is answered exactly once.
    pub fn answers(&self) -> impl Iterator<Item = Answer> + '_ {
        self.answers.iter().map(|&(word, token)| Answer { word, token })
    }
}

/// A token sequence before it is cut: ids, the word of each token, and boxes (empty for plain text).
#[derive(Clone, Debug, Default)]
pub(crate) struct Sequence {
    pub ids: Vec<u32>,
    pub words: Vec<Option<u32>>,
    pub boxes: Vec<[u16; 4]>,
}

/// Special tokens before and after the content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpecialTokens {
    pub before: Vec<u32>,
    pub after: Vec<u32>,
}

/// Cuts a sequence into windows.
///
/// A sequence that fits gives one window, an empty one a window of special tokens. Otherwise windows start and end
/// at word borders and repeat at most `overlap` tokens; a word longer than a whole window is continued in the next
/// one. A word seen by two windows is answered by the one in which its first token is farther from a cut (the
/// ends of the sequence are not cuts); on a tie by the earlier one.
///
/// # Errors
/// `config.invalid` if a window has no room for content.
pub(crate) fn cut(sequence: &Sequence, special: &SpecialTokens, limits: WindowLimits) -> Result<Vec<Window>> {
    let reserved = special.before.len() + special.after.len();
    if limits.max_tokens <= reserved {
        return Err(Error::new(
            ErrorCode::ConfigInvalid,
            format!(
                "max_sequence_length {} leaves no room beside {reserved} special tokens",
                limits.max_tokens
            ),
        )
        .help("raise max_sequence_length"));
    }
    let room = limits.max_tokens - reserved;
    let spans = spans(&sequence.words, room, limits.overlap.min(room / 2));
    let mut windows: Vec<Window> =
        spans.iter().map(|&(start, end)| window(sequence, special, start, end)).collect();
    assign_answers(&sequence.words, &spans, special.before.len(), &mut windows);
    Ok(windows)
}

/// Half-open token ranges of the windows.
fn spans(words: &[Option<u32>], room: usize, overlap: usize) -> Vec<(usize, usize)> {
    let total = words.len();
    let continues = |token: usize| token > 0 && words[token].is_some() && words[token] == words[token - 1];
    let mut spans = Vec::new();
    let mut start = 0;
    loop {
        let mut end = (start + room).min(total);
        if end < total {
            let mut border = end;
            while border > start && continues(border) {
                border -= 1;
            }
            if border > start {
                end = border;
            }
        }
        spans.push((start, end));
        if end == total {
            return spans;
        }
        let mut next = end.saturating_sub(overlap).max(start + 1);
        while next < end && continues(next) {
            next += 1;
        }
        start = next;
    }
}

fn window(sequence: &Sequence, special: &SpecialTokens, start: usize, end: usize) -> Window {
    let (before, after) = (special.before.len(), special.after.len());
    let mut ids = Vec::with_capacity(before + end - start + after);
    ids.extend_from_slice(&special.before);
    ids.extend_from_slice(&sequence.ids[start..end]);
    ids.extend_from_slice(&special.after);
    let mut words = vec![None; before];
    words.extend_from_slice(&sequence.words[start..end]);
    words.resize(ids.len(), None);
    let mut boxes = Vec::new();
    if !sequence.boxes.is_empty() {
        boxes = vec![[0; 4]; before];
        boxes.extend_from_slice(&sequence.boxes[start..end]);
        boxes.resize(ids.len(), [0; 4]);
    }
    let second_segment = ids.len();
    Window { ids, boxes, words, start, content: end - start, second_segment, answers: Vec::new() }
}

fn assign_answers(words: &[Option<u32>], spans: &[(usize, usize)], before: usize, windows: &mut [Window]) {
    let total = words.len();
    let mut first = 0;
    let mut seen = None;
    for token in 0..total {
        let Some(word) = words[token] else { continue };
        if seen == Some(word) {
            continue;
        }
        seen = Some(word);
        while spans[first].1 <= token {
            first += 1;
        }
        let margin = |(start, end): (usize, usize)| {
            let left = if start == 0 { usize::MAX } else { token - start };
            let right = if end == total { usize::MAX } else { end - 1 - token };
            left.min(right)
        };
        let mut best = first;
        for candidate in first + 1..spans.len() {
            if spans[candidate].0 > token {
                break;
            }
            if margin(spans[candidate]) > margin(spans[best]) {
                best = candidate;
            }
        }
        let position = before + token - spans[best].0;
        // Token positions are bounded by max_tokens, so they fit.
        windows[best].answers.push((word, u32::try_from(position).unwrap_or(u32::MAX)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sequence(lengths: &[usize]) -> Sequence {
        let mut sequence = Sequence::default();
        for (word, &length) in lengths.iter().enumerate() {
            for _ in 0..length {
                sequence.ids.push(10 + u32::try_from(sequence.ids.len()).unwrap());
                sequence.words.push(Some(u32::try_from(word).unwrap()));
            }
        }
        sequence
    }

    fn special() -> SpecialTokens {
        SpecialTokens { before: vec![0], after: vec![2] }
    }

    #[test]
    fn short_and_empty_sequences_give_one_window() {
        let limits = WindowLimits { max_tokens: 10, overlap: 2 };
        let windows = cut(&sequence(&[2, 3]), &special(), limits).unwrap();
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].ids, [0, 10, 11, 12, 13, 14, 2]);
        assert_eq!(
            windows[0].answers().collect::<Vec<_>>(),
            [Answer { word: 0, token: 1 }, Answer { word: 1, token: 3 }]
        );
        let windows = cut(&sequence(&[]), &special(), limits).unwrap();
        assert_eq!((windows.len(), windows[0].ids.as_slice()), (1, [0u32, 2].as_slice()));
    }

    #[test]
    fn a_word_in_two_windows_is_answered_where_it_has_more_context() {
        // Room for 6 tokens, overlap 3: [0, 6) and [3, 9) and [6, 10).
        let windows =
            cut(&sequence(&[1; 10]), &special(), WindowLimits { max_tokens: 8, overlap: 3 }).unwrap();
        let answered: Vec<Vec<u32>> =
            windows.iter().map(|window| window.answers().map(|answer| answer.word).collect()).collect();
        assert_eq!(windows.iter().map(|window| window.start).collect::<Vec<_>>(), [0, 3, 6]);
        assert_eq!(answered, [vec![0, 1, 2, 3, 4], vec![5, 6, 7], vec![8, 9]]);
    }

    #[test]
    fn no_room_is_an_error() {
        let error = cut(&sequence(&[1]), &special(), WindowLimits { max_tokens: 2, overlap: 0 }).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigInvalid);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(lengths in prop::collection::vec(1usize..30, 0..60), max in 3usize..40, overlap in 0usize..40) {
            let sequence = sequence(&lengths);
            let windows = cut(&sequence, &special(), WindowLimits { max_tokens: max, overlap }).unwrap();
            let mut covered = vec![false; sequence.ids.len()];
            let mut answers = vec![0; lengths.len()];
            for window in &windows {
                prop_assert!(window.len() <= max);
                prop_assert_eq!(window.ids[1..=window.content].to_vec(), sequence.ids[window.start..][..window.content].to_vec());
                covered[window.start..][..window.content].fill(true);
                for answer in window.answers() {
                    answers[answer.word as usize] += 1;
                    // The token is the word's first one in the whole sequence.
                    let position = window.start + answer.token as usize - 1;
                    prop_assert_eq!(sequence.words[position], Some(answer.word));
                    prop_assert!(position == 0 || sequence.words[position - 1] != Some(answer.word));
                }
            }
            prop_assert!(covered.iter().all(|&seen| seen));
            prop_assert!(answers.iter().all(|&count| count == 1));
        }
    }
}
