//! Sentences by their words and by what they mean. Pure.

use std::collections::HashMap;

use super::words::words;

/// How much the length of a sentence counts, and how soon further occurrences of a word count less (Robertson and Zaragoza
/// 2009, "The Probabilistic Relevance Framework: BM25 and Beyond").
const LENGTH_SHARE: f32 = 0.75;
const SATURATION: f32 = 1.2;
/// Ranks of the two lists are fused as in Cormack, Clarke and Büttcher 2009, "Reciprocal Rank Fusion": 1 / (60 + rank).
const RANK_OFFSET: f32 = 60.0;
/// Places of each list that are fused.
const FUSED: usize = 200;

/// The sentences of many documents.
#[derive(Debug, Default)]
pub struct Index {
    /// Numbers per embedding; 0 where there are none.
    dimensions: usize,
    /// Embeddings of length 1, one behind the other.
    embeddings: Vec<f32>,
    /// Words per sentence.
    lengths: Vec<u32>,
    /// Sentences and occurrences by word.
    postings: HashMap<String, Vec<(u32, u16)>>,
}

/// One sentence that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its place in the index.
    pub sentence: usize,
    /// Cosine of its embedding and the query's; `None` without embeddings.
    pub meaning: Option<f32>,
    /// BM25 of the query's words; 0 where it has none of them.
    pub words: f32,
    /// Both fused; what hits are ordered by.
    pub score: f32,
}

impl Index {
    /// An empty index for embeddings of so many numbers.
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, ..Self::default() }
    }

    /// Adds a sentence; its embedding must have the index's dimensions.
    pub fn add(&mut self, text: &str, embedding: &[f32]) {
        let sentence = u32::try_from(self.lengths.len()).unwrap_or(u32::MAX);
        let mut counts: HashMap<String, u16> = HashMap::new();
        let mut length = 0;
        for word in words(text) {
            length += 1;
            let count = counts.entry(word).or_default();
            *count = count.saturating_add(1);
        }
        for (word, count) in counts {
            self.postings.entry(word).or_default().push((sentence, count));
        }
        self.lengths.push(length);
        debug_assert_eq!(embedding.len(), self.dimensions);
        self.embeddings.extend_from_slice(embedding);
    }

    /// Number of sentences.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Bytes of the embeddings.
    pub fn embedding_bytes(&self) -> usize {
        std::mem::size_of_val(self.embeddings.as_slice())
    }

    /// The best sentences of those that `wanted` lets through, best first; of equals the first.
    pub fn search(
        &self,
        query: &str,
        embedding: &[f32],
        top: usize,
        wanted: impl Fn(usize) -> bool,
    ) -> Vec<Hit> {
        let by_words = self.by_words(query);
        let meanings = self.by_meaning(embedding);
        let mut scores: HashMap<usize, f32> = HashMap::new();
        for list in [&by_words, &meanings] {
            // What has no word of the query has no rank.
            let ranked = (0..list.len()).filter(|sentence| list[*sentence] > 0.0 && wanted(*sentence));
            for (rank, sentence) in best(ranked.map(|sentence| (list[sentence], sentence)), FUSED.max(top))
                .into_iter()
                .enumerate()
            {
                *scores.entry(sentence).or_default() += 1.0 / (RANK_OFFSET + 1.0 + rank as f32);
            }
        }
        best(scores.iter().map(|(sentence, score)| (*score, *sentence)), top)
            .into_iter()
            .map(|sentence| Hit {
                sentence,
                meaning: meanings.get(sentence).copied(),
                words: by_words.get(sentence).copied().unwrap_or(0.0),
                score: scores[&sentence],
            })
            .collect()
    }

    /// BM25 of every sentence; empty where no sentence has a word of the query.
    fn by_words(&self, query: &str) -> Vec<f32> {
        let all = self.len() as f32;
        let mean = self.lengths.iter().map(|length| f64::from(*length)).sum::<f64>() as f32 / all.max(1.0);
        let mut scores = Vec::new();
        let mut seen: Vec<String> = words(query).collect();
        seen.sort();
        seen.dedup();
        for postings in seen.iter().filter_map(|word| self.postings.get(word)) {
            scores.resize(self.len(), 0.0);
            let with = postings.len() as f32;
            let rarity = (1.0 + (all - with + 0.5) / (with + 0.5)).ln();
            for (sentence, count) in postings {
                let length = self.lengths[*sentence as usize] as f32 / mean.max(1.0);
                let count = f32::from(*count);
                let soft = SATURATION * (1.0 - LENGTH_SHARE + LENGTH_SHARE * length);
                scores[*sentence as usize] += rarity * count * (SATURATION + 1.0) / (count + soft);
            }
        }
        scores
    }

    /// Cosine of every sentence's embedding; empty without embeddings.
    fn by_meaning(&self, query: &[f32]) -> Vec<f32> {
        if self.dimensions == 0 || query.len() != self.dimensions {
            return Vec::new();
        }
        self.embeddings.chunks_exact(self.dimensions).map(|embedding| dot(embedding, query)).collect()
    }
}

/// The places of the highest scores, best first; of equals the lowest place.
fn best(scores: impl Iterator<Item = (f32, usize)>, top: usize) -> Vec<usize> {
    let order = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    let mut scores: Vec<(f32, usize)> = scores.collect();
    if scores.len() > top && top > 0 {
        scores.select_nth_unstable_by(top - 1, order);
        scores.truncate(top);
    }
    scores.truncate(top);
    scores.sort_by(order);
    scores.into_iter().map(|(_, place)| place).collect()
}

/// In eight sums that do not wait for each other.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0.0f32; 8];
    for (a, b) in a.zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let mut index = Index::new(9);
        let axis = |at: usize| -> Vec<f32> { (0..9).map(|place| f32::from(u8::from(place == at))).collect() };
        index.add("We are in compliance with all covenants.", &axis(0));
        index.add("A breach of covenants would let lenders demand repayment.", &axis(1));
        index.add("Default on the loan would be serious.", &axis(1));
        index.add("Sales of shoes rose.", &axis(8));
        index
    }

    #[test]
    fn what_has_the_words_and_the_meaning_comes_before_what_has_one() {
        let mut query = vec![0.0; 9];
        query[1] = 1.0;
        let found = index().search("covenant breach", &query, 10, |_| true);
        let order: Vec<usize> = found.iter().map(|hit| hit.sentence).collect();
        assert_eq!(order, [1, 0, 2], "the second in one list each: of equals the first");
        assert!(found[0].words > found[1].words && found[2].words == 0.0, "{found:?}");
        assert_eq!(found[0].meaning, Some(1.0));
        let filtered = index().search("covenant breach", &query, 10, |sentence| sentence != 1);
        assert_eq!(filtered[0].sentence, 2);
        assert_eq!(index().search("covenant breach", &query, 1, |_| true).len(), 1);
    }

    #[test]
    fn without_embeddings_words_alone_decide() {
        let mut index = Index::new(0);
        index.add("alpha beta", &[]);
        index.add("beta beta", &[]);
        let found = index.search("beta", &[], 5, |_| true);
        assert_eq!(found.iter().map(|hit| hit.sentence).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(found[0].meaning, None);
        assert_eq!(index.search("gamma", &[], 5, |_| true), []);
    }
}
