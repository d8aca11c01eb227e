//! Tables from words, rulings and layout blocks.

mod columns;
mod dates;
mod detect;
mod extent;
mod find;
mod grid;
mod header;
mod lines;
mod notes;
mod rows;
mod units;
mod values;

pub use dates::cell_period;
pub use find::find_tables;
pub use grid::find_grid;

#[cfg(test)]
mod tests;
