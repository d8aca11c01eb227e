//! Damaged copies of real documents.

use super::Named;
use super::random::Random;

/// Numbers that break arithmetic, as they stand in a PDF.
const NUMBERS: &[&str] =
    &["0", "-1", "65535", "65536", "2147483647", "2147483648", "4294967295", "9223372036854775807", "1e38"];

/// `count` damaged copies of `originals` (name and bytes), in turn.
pub fn mutations(originals: &[Named], count: usize, seed: u64) -> impl Iterator<Item = Named> + '_ {
    (0..count).map(move |number| {
        let mut random = Random::new(seed ^ (number as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let (name, bytes) = &originals[number % originals.len()];
        let other = &originals[random.below(originals.len())].1;
        let (kind, damaged) = mutate(bytes, other, &mut random);
        (format!("{number:05}-{kind}-{name}"), damaged)
    })
}

fn mutate(bytes: &[u8], other: &[u8], random: &mut Random) -> (&'static str, Vec<u8>) {
    let mut out = bytes.to_vec();
    match random.below(7) {
        0 => {
            for _ in 0..=random.below(64) {
                let at = random.below(out.len());
                out[at] ^= 1 << random.below(8);
            }
            ("flip", out)
        }
        1 => {
            out.truncate(random.below(out.len()));
            ("cut", out)
        }
        2 => {
            let (head, tail) = (random.below(bytes.len()), random.below(other.len()));
            out.truncate(head);
            out.extend_from_slice(&other[tail..]);
            ("splice", out)
        }
        3 => {
            // Something of the other one in the middle, over what was there.
            let (at, from) = (random.below(bytes.len()), random.below(other.len()));
            let length = (1 + random.below(4096)).min(bytes.len() - at).min(other.len() - from);
            out[at..at + length].copy_from_slice(&other[from..from + length]);
            ("graft", out)
        }
        4 => {
            let at = random.below(out.len());
            let end = (at + 1 + random.below(2048)).min(out.len());
            let part = out[at..end].to_vec();
            if random.below(2) == 0 {
                out.drain(at..end);
            } else {
                let to = random.below(out.len());
                out.splice(to..to, part);
            }
            ("shift", out)
        }
        5 => {
            for _ in 0..=random.below(8) {
                number(&mut out, random);
            }
            ("number", out)
        }
        _ => {
            let at = random.below(out.len());
            let end = (at + 1 + random.below(512)).min(out.len());
            let value = [0, 0xff, b' ', b'('][random.below(4)];
            out[at..end].fill(value);
            ("fill", out)
        }
    }
}

/// Puts a number that breaks arithmetic in place of one that stands in the text.
fn number(out: &mut Vec<u8>, random: &mut Random) {
    let from = random.below(out.len());
    let Some(start) = (from..out.len()).find(|at| out[*at].is_ascii_digit()) else { return };
    let end = (start..out.len()).find(|at| !out[*at].is_ascii_digit()).unwrap_or(out.len());
    let number = NUMBERS[random.below(NUMBERS.len())];
    out.splice(start..end, number.bytes());
}
