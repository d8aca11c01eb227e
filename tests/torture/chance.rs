//! Draws from a seed.

use super::random::Random;

pub struct Chance(Random);

impl Chance {
    pub fn new(seed: u64) -> Self {
        // Mixed, so that the sequences of two seeds have nothing in common.
        Self(Random::new(Random::new(seed).next()))
    }

    /// From `low` to `high`, both included.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + self.0.below((high - low + 1) as usize) as i64
    }

    pub fn of(&mut self, percent: i64) -> bool {
        self.range(1, 100) <= percent
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.0.below(items.len())]
    }
}
