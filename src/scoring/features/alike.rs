//! What a page has in common with the pages near it.

use std::collections::HashMap;

use crate::document::Page;
use crate::limit::Limit;

/// Pages after a page that it is compared with. Few reports have more pages; with all of them time would grow with the
/// square of the document.
const NEAR_PAGES: usize = 250;

/// What two pages are compared by; every list sorted, without doubles. Words are numbered over the document.
struct Print {
    words: Vec<u32>,
    numbers: Vec<u32>,
    places: Vec<(i32, i32, u32)>,
}

impl Print {
    fn of<'p>(page: &'p Page, known: &mut HashMap<&'p str, u32>) -> Self {
        let (mut words, mut numbers, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for word in &page.words {
            let next = known.len() as u32;
            let text = *known.entry(word.text.as_str()).or_insert(next);
            words.push(text);
            if word.text.len() > 2 && word.text.bytes().any(|b| b.is_ascii_digit()) {
                numbers.push(text);
            }
            places.push((word.bbox.x0.round() as i32, word.bbox.y0.round() as i32, text));
        }
        Self { words: unique(words), numbers: unique(numbers), places: unique(places) }
    }

    /// Shares of words, of numbers and of words at the same place that both have.
    fn shared(&self, other: &Self) -> [f32; 3] {
        [
            jaccard(&self.words, &other.words),
            jaccard(&self.numbers, &other.numbers),
            jaccard(&self.places, &other.places),
        ]
    }
}

fn unique<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items.dedup();
    items
}

/// Share of the items of two sorted lists that both have.
fn jaccard<T: Ord>(a: &[T], b: &[T]) -> f32 {
    // Lists of very different size cannot be alike.
    if a.len().min(b.len()) * 4 < a.len().max(b.len()) {
        return 0.0;
    }
    let (mut both, mut at, mut other) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(at), b.get(other)) {
        both += usize::from(x == y);
        at += usize::from(x <= y);
        other += usize::from(y <= x);
    }
    both as f32 / (a.len() + b.len() - both).max(1) as f32
}

/// For every page the largest of each share that it has in common with one near it, and how many of those are the same
/// page once more.
pub(super) fn alike(pages: &[Page], limit: &Limit) -> Vec<[f32; 4]> {
    let mut known = HashMap::new();
    let prints: Vec<Print> = pages.iter().map(|page| Print::of(page, &mut known)).collect();
    let mut alike = vec![[0.0f32; 4]; pages.len()];
    for index in limit.within(0..pages.len()) {
        for other in index + 1..pages.len().min(index + 1 + NEAR_PAGES) {
            let shares = prints[index].shared(&prints[other]);
            for page in [index, other] {
                for (most, share) in alike[page].iter_mut().zip(shares) {
                    *most = most.max(share);
                }
                alike[page][3] += f32::from(u8::from(shares[2] > 0.9));
            }
        }
    }
    alike
}
