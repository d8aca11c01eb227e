//! Tables from words, rulings and layout blocks.

mod captions;
mod columns;
mod dated_rows;
mod dates;
mod detect;
mod extent;
mod find;
mod grid;
mod header;
mod lines;
mod notes;
mod rotated;
mod rows;
mod stacked;
mod units;
mod values;

pub use find::find_tables;
pub use grid::find_grid;

#[cfg(test)]
mod tests;
