//! Which inputs run together.
//!
//! A plan is a function of the list of lengths alone, so the same document gives the same batches whatever else is
//! in flight. That matters for dynamically quantised models, whose results depend on what shares their batch.

use std::collections::HashMap;
use std::hash::Hash;

/// How much one batch may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchBudget {
    /// Most tokens of a batch with padding: number of inputs times the longest of them. An input longer than this
    /// is a batch of its own.
    pub padded_tokens: usize,
    /// Most inputs of a batch (`batch_size`).
    pub inputs: usize,
}

impl BatchBudget {
    /// The measured optimum on a CPU: 256 padded tokens for one session of one thread; 1,024 and more lose because
    /// activations leave the cache.
    pub const CPU: Self = Self { padded_tokens: 256, inputs: 64 };

    /// For a GPU, which needs far more work per launch. A start, to be replaced by what `docproc bench` finds.
    pub const GPU: Self = Self { padded_tokens: 16_384, inputs: 256 };

    /// The same with at most `inputs` inputs.
    #[must_use]
    pub fn with_inputs(self, inputs: usize) -> Self {
        Self { inputs: inputs.max(1), ..self }
    }
}

/// Batches of indices into `lengths` (tokens per input): sorted by length, longest first so that the last batches
/// to finish are short ones, cut where the budget is full. Inputs of the same length keep their order.
#[must_use]
pub fn plan(lengths: &[usize], budget: BatchBudget) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(lengths[index]));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut longest = 0;
    for index in order {
        match batches.last_mut() {
            Some(batch)
                if batch.len() < budget.inputs && (batch.len() + 1) * longest <= budget.padded_tokens =>
            {
                batch.push(index);
            }
            _ => {
                longest = lengths[index];
                batches.push(vec![index]);
            }
        }
    }
    batches
}

/// Lengths rounded up to multiples of this share a batch in [`plan_in_steps`].
pub const LENGTH_STEP: usize = 8;

/// Batches in which every input is padded to its own length rounded up to [`LENGTH_STEP`], so that how an input is
/// padded depends on the input alone. Gives each batch with its padded length, longest first.
#[must_use]
pub fn plan_in_steps(lengths: &[usize], budget: BatchBudget) -> Vec<(usize, Vec<usize>)> {
    let padded: Vec<usize> = lengths.iter().map(|length| length.next_multiple_of(LENGTH_STEP)).collect();
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(padded[index]));
    let mut batches: Vec<(usize, Vec<usize>)> = Vec::new();
    for index in order {
        match batches.last_mut() {
            Some((length, batch))
                if *length == padded[index]
                    && batch.len() < budget.inputs
                    && (batch.len() + 1) * *length <= budget.padded_tokens =>
            {
                batch.push(index);
            }
            _ => batches.push((padded[index], vec![index])),
        }
    }
    batches
}

/// Equal inputs found once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unique {
    /// Index of the first of each group of equal inputs, in order.
    pub representatives: Vec<usize>,
    /// For every input the position of its group in `representatives`.
    pub group: Vec<usize>,
}

/// Finds equal inputs.
pub fn unique<T: Eq + Hash>(inputs: impl IntoIterator<Item = T>) -> Unique {
    let mut seen: HashMap<T, usize> = HashMap::new();
    let mut result = Unique::default();
    for (index, input) in inputs.into_iter().enumerate() {
        let group = *seen.entry(input).or_insert_with(|| {
            result.representatives.push(index);
            result.representatives.len() - 1
        });
        result.group.push(group);
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn batches_are_cut_by_padded_tokens_and_count() {
        let budget = BatchBudget { padded_tokens: 100, inputs: 3 };
        assert_eq!(
            plan(&[10, 50, 10, 200, 10, 40, 10], budget),
            [vec![3], vec![1, 5], vec![0, 2, 4], vec![6]]
        );
        assert_eq!(plan(&[], budget), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn stepped_batches_hold_one_padded_length() {
        let budget = BatchBudget { padded_tokens: 32, inputs: 9 };
        assert_eq!(plan_in_steps(&[3, 9, 8, 16, 1, 7], budget), [(16, vec![1, 3]), (8, vec![0, 2, 4, 5])]);
        assert_eq!(plan_in_steps(&[40, 33], budget), [(40, vec![0]), (40, vec![1])]);
    }

    #[test]
    fn duplicates_are_found_once() {
        let found = unique(["b", "a", "b", "c", "a"]);
        assert_eq!((found.representatives, found.group), (vec![0, 1, 3], vec![0, 1, 0, 2, 1]));
    }

    proptest! {
        #[test]
        fn every_input_is_in_one_batch_within_the_budget(
            lengths in prop::collection::vec(0usize..600, 0..200), tokens in 1usize..2000, inputs in 1usize..40,
        ) {
            let batches = plan(&lengths, BatchBudget { padded_tokens: tokens, inputs });
            let mut seen = vec![0; lengths.len()];
            for batch in &batches {
                let longest = batch.iter().map(|&index| lengths[index]).max().unwrap();
                prop_assert!(batch.len() == 1 || (batch.len() <= inputs && batch.len() * longest <= tokens));
                batch.iter().for_each(|&index| seen[index] += 1);
            }
            prop_assert!(seen.iter().all(|&count| count == 1));
        }
    }
}
