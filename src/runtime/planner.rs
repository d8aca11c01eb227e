//! Which inputs run together.
//!
//! A plan is a function of the list of lengths alone, so the same document gives the same batches whatever else is
//! in flight. That matters for dynamically quantised models, whose results depend on what shares their batch.

use std::collections::{BTreeMap, HashMap};
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
///
/// Inputs of one padded length are spread evenly over their batches, and two always fit into one: a batch holds a
/// single input only where no other has its length.
#[must_use]
pub fn plan_in_steps(lengths: &[usize], budget: BatchBudget) -> Vec<(usize, Vec<usize>)> {
    let mut classes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, length) in lengths.iter().enumerate() {
        classes.entry(length.next_multiple_of(LENGTH_STEP)).or_default().push(index);
    }
    let mut batches = Vec::new();
    for (padded, inputs) in classes.into_iter().rev() {
        let most = (budget.padded_tokens / padded.max(1)).min(budget.inputs).max(2);
        let count = inputs.len().div_ceil(most);
        let mut rest = inputs.as_slice();
        for batch in 0..count {
            let (now, later) = rest.split_at(rest.len().div_ceil(count - batch));
            batches.push((padded, now.to_vec()));
            rest = later;
        }
    }
    batches
}

/// Batches that a segment of [`plan_by_content`] holds on average.
const SEGMENT_BATCHES: usize = 2;

/// As [`plan`], for inputs of which most are the same in another version of the document: unchanged inputs far from a
/// change make unchanged batches. `fingerprints` tells inputs of the same length apart.
///
/// Inputs are sorted by length and fingerprint; a batch also ends after an input whose own fingerprint says so, for
/// one in [`SEGMENT_BATCHES`] full batches, so that what a change shifts is shifted up to the next such input only.
/// (Content-defined chunking; Muthitacharoen et al., "A Low-bandwidth Network File System", 2001.)
#[must_use]
pub fn plan_by_content(lengths: &[usize], fingerprints: &[u64], budget: BatchBudget) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(lengths[index]), fingerprints[index], index));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let (mut longest, mut ended) = (0, true);
    for index in order {
        match batches.last_mut() {
            Some(batch)
                if !ended
                    && batch.len() < budget.inputs
                    && (batch.len() + 1) * longest <= budget.padded_tokens =>
            {
                batch.push(index);
            }
            _ => {
                longest = lengths[index];
                batches.push(vec![index]);
            }
        }
        let full = (budget.padded_tokens / lengths[index].max(1)).clamp(1, budget.inputs);
        ended = fingerprints[index].is_multiple_of((SEGMENT_BATCHES * full) as u64);
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
        assert_eq!(
            plan_in_steps(&[3, 9, 8, 16, 1, 7, 2], budget),
            [(16, vec![1, 3]), (8, vec![0, 2, 4]), (8, vec![5, 6])]
        );
        // Two fit whatever the budget.
        assert_eq!(plan_in_steps(&[40, 33, 34], budget), [(40, vec![0, 1]), (40, vec![2])]);
        assert_eq!(plan_in_steps(&[], budget), []);
    }

    #[test]
    fn duplicates_are_found_once() {
        let found = unique(["b", "a", "b", "c", "a"]);
        assert_eq!((found.representatives, found.group), (vec![0, 1, 3], vec![0, 1, 0, 2, 1]));
    }

    #[test]
    fn a_changed_text_leaves_most_batches_as_they_are() {
        let budget = BatchBudget::CPU.with_inputs(32);
        // Lengths of sentences: mean 27 tokens with a long tail; a multiplicative generator with its high bits.
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let texts: Vec<(usize, u64)> = (0..600)
            .map(|_| ((6 + random() % 24 + random() % 4 * (random() % 16)) as usize, random()))
            .collect();
        let batches = |texts: &[(usize, u64)]| -> Vec<Vec<(usize, u64)>> {
            let (lengths, fingerprints): (Vec<usize>, Vec<u64>) = texts.iter().copied().unzip();
            let plan = plan_by_content(&lengths, &fingerprints, budget);
            plan.iter().map(|batch| batch.iter().map(|&index| texts[index]).collect()).collect()
        };
        let before = batches(&texts);
        // Removed, changed, added, moved: one text in fifty each.
        let mut changed = texts.clone();
        changed.rotate_left(77);
        for at in 0..12 {
            changed.remove(at * 40);
            changed[at * 40 + 10] = (20, random());
            changed.insert(at * 40 + 30, (31, random()));
        }
        let known: std::collections::HashSet<_> = before.iter().collect();
        let after = batches(&changed);
        let same = after.iter().filter(|batch| known.contains(batch)).count();
        assert!(2 * same > after.len(), "{same} of {} batches are the same", after.len());
        let (lengths, _): (Vec<usize>, Vec<u64>) = texts.iter().copied().unzip();
        let fewest = plan(&lengths, budget).len();
        assert!(before.len() * 10 < fewest * 15, "{} batches where {fewest} would do", before.len());
    }

    proptest! {
        #[test]
        fn every_input_is_in_one_batch_within_the_budget(
            lengths in prop::collection::vec(0usize..600, 0..200), tokens in 1usize..2000, inputs in 1usize..40,
        ) {
            let budget = BatchBudget { padded_tokens: tokens, inputs };
            let fingerprints: Vec<u64> = lengths.iter().map(|length| (length * 7919) as u64 % 97).collect();
            for batches in [plan(&lengths, budget), plan_by_content(&lengths, &fingerprints, budget)] {
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
}
